-- ingest: every reading that was ever admitted, in two tables by how long they are kept:
--   reading_track  positions and heartbeats: many, kept 90 days
--   reading_event  doors, presses, faces, visit steps: few, kept until accounts are settled
-- and one view `reading` over both. Partitioned by the day of `at` (hypertables on TimescaleDB,
-- native partitions elsewhere; a DEFAULT partition takes every day that has none).
DO $$
DECLARE
    timescale boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['reading_track', 'reading_event'] LOOP
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
            PERFORM create_hypertable(name::regclass, 'at', chunk_time_interval => interval '1 day',
                                      create_default_indexes => false);
        ELSE
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_other', name);
        END IF;
        EXECUTE format('CREATE UNIQUE INDEX ON %I (device, at, id)', name);
        EXECUTE format('CREATE INDEX ON %I (arrival)', name);
    END LOOP;
END $$;

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
