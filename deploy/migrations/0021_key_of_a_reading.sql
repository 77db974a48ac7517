-- ingest: what is the same reading: device, time and id as before, and the kind, so that a press is
-- never taken for a door whose id its device gives again. TimescaleDB makes no unique index on a
-- table that is compressed, so there the compression is taken off and put on again.
DO $$
DECLARE
    name text; compressed boolean;
BEGIN
    FOREACH name IN ARRAY ARRAY['reading_track', 'reading_event']
    LOOP
        compressed := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
                      AND current_setting('timescaledb.license', true) = 'timescale';
        IF compressed THEN
            EXECUTE 'SELECT compression_enabled FROM timescaledb_information.hypertables'
                    ' WHERE hypertable_name = $1' INTO compressed USING name;
        END IF;
        IF compressed THEN
            PERFORM remove_compression_policy(name::regclass, if_exists => true);
            PERFORM decompress_chunk(chunk, if_compressed => true)
               FROM show_chunks(name::regclass) AS chunk;
            EXECUTE format('ALTER TABLE %I SET (timescaledb.compress = false)', name);
        END IF;
        EXECUTE format('DROP INDEX %I', name || '_key');
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (device, at, id, kind)', name || '_key', name);
        IF compressed THEN
            EXECUTE format('ALTER TABLE %I SET (timescaledb.compress,
                timescaledb.compress_segmentby = ''device'',
                timescaledb.compress_orderby = ''at'')', name);
            PERFORM add_compression_policy(name::regclass, interval '7 days');
        END IF;
    END LOOP;
END $$;
