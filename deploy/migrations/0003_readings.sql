-- ingest: every reading that was ever admitted, in two tables by how long they are kept:
--   reading_track  positions and heartbeats: many, kept 90 days; a partition a day
--   reading_event  doors, presses, faces, visit steps: few, kept two years; a partition a week
-- and one view `reading` over both. Partitioned by `at`: hypertables on TimescaleDB (community
-- edition), whose own jobs compress and drop them; native partitions elsewhere, made ahead and
-- dropped behind by `ingest.store.upkeep`, with a DEFAULT partition for every day that has none.
DO $$
DECLARE
    timescale boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
                         AND current_setting('timescaledb.license', true) = 'timescale';
    name text; width interval; kept interval;
BEGIN
    FOR name, width, kept IN VALUES ('reading_track', interval '1 day', interval '90 days'),
                                    ('reading_event', interval '7 days', interval '730 days')
    LOOP
        EXECUTE format(
            'CREATE TABLE %I (
                arrival     bigint      NOT NULL,   -- place in the one order
                at          timestamptz NOT NULL,   -- the time it is judged by
                received_at timestamptz NOT NULL,
                device      text        NOT NULL,
                id          text        NOT NULL,
                kind        text        NOT NULL,
                body        text        NOT NULL    -- the whole reading as JSON
            ) %s', name, CASE WHEN timescale THEN '' ELSE 'PARTITION BY RANGE (at)' END);
        IF timescale THEN
            PERFORM create_hypertable(name::regclass, 'at', chunk_time_interval => width,
                                      create_default_indexes => false);
        ELSE
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_other', name);
        END IF;
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (device, at, id)', name || '_key', name);
        EXECUTE format('CREATE INDEX %I ON %I (arrival)', name || '_arrival', name);
        IF timescale THEN
            EXECUTE format('ALTER TABLE %I SET (timescaledb.compress,
                timescaledb.compress_segmentby = ''device'',
                timescaledb.compress_orderby = ''at'')', name);
            -- Late evidence revises what was concluded for 72 hours; after a week none comes.
            PERFORM add_compression_policy(name::regclass, interval '7 days');
            PERFORM add_retention_policy(name::regclass, kept);
        END IF;
    END LOOP;
END $$;

-- The last press or face anywhere, without reading a week of doors.
CREATE INDEX reading_event_kind ON reading_event (kind, at);

CREATE VIEW reading AS
    SELECT * FROM reading_track UNION ALL SELECT * FROM reading_event;

-- ingest: what could not be read, with its bytes, to look at and to decode again after a mend.
CREATE TABLE rejection (
    n            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at  timestamptz NOT NULL,
    family       text  NOT NULL,
    reason       text  NOT NULL,      -- devices.readings.Reason
    detail       text  NOT NULL,
    topic        text  NOT NULL,      -- "" for HTTP
    http         text,                -- devices.envelope.HttpRequest as JSON
    payload      bytea NOT NULL,      -- pictures, templates and id numbers cut out
    replayed_at  timestamptz          -- decoded again since, and stored
);
CREATE INDEX rejection_received ON rejection (received_at);
