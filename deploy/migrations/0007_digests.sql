-- ingest: counts that outlive the readings they were counted from.
--   reading_hourly  (hour, kind, readings)
--   device_daily    (day, device, kind, readings, first_at, last_at)   days are UTC days
-- On TimescaleDB they are views over continuous aggregates, elsewhere tables that
-- `ingest.store.upkeep` adds to.
DO $$
DECLARE
    name text; kept interval;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'reading_track'::regclass) = 'p' THEN
        CREATE TABLE reading_hourly (
            hour     timestamptz NOT NULL,
            kind     text        NOT NULL,
            readings bigint      NOT NULL,
            PRIMARY KEY (hour, kind)
        ) WITH (fillfactor = 80);
        CREATE TABLE device_daily (
            day      timestamptz NOT NULL,
            device   text        NOT NULL,
            kind     text        NOT NULL,
            readings bigint      NOT NULL,
            first_at timestamptz NOT NULL,
            last_at  timestamptz NOT NULL,
            PRIMARY KEY (device, day, kind)
        ) WITH (fillfactor = 80);
        RETURN;
    END IF;
    FOR name, kept IN VALUES ('reading_track', interval '90 days'),
                             ('reading_event', interval '730 days')
    LOOP
        EXECUTE format(
            'CREATE MATERIALIZED VIEW %I
             WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
             SELECT time_bucket(''1 hour'', at) AS hour, kind, count(*) AS readings
             FROM %I GROUP BY 1, 2 WITH NO DATA', name || '_hourly', name);
        EXECUTE format(
            'CREATE MATERIALIZED VIEW %I
             WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
             SELECT time_bucket(''1 day'', at) AS day, device, kind, count(*) AS readings,
                    min(at) AS first_at, max(at) AS last_at
             FROM %I GROUP BY 1, 2, 3 WITH NO DATA', name || '_daily', name);
        -- A refresh must not reach back to where readings have been dropped: it would forget them.
        PERFORM add_continuous_aggregate_policy((name || '_hourly')::regclass,
            start_offset => kept - interval '10 days', end_offset => interval '1 hour',
            schedule_interval => interval '10 minutes');
        PERFORM add_continuous_aggregate_policy((name || '_daily')::regclass,
            start_offset => kept - interval '10 days', end_offset => interval '1 day',
            schedule_interval => interval '1 hour');
    END LOOP;
    CREATE VIEW reading_hourly AS
        SELECT * FROM reading_track_hourly UNION ALL SELECT * FROM reading_event_hourly;
    CREATE VIEW device_daily AS
        SELECT * FROM reading_track_daily UNION ALL SELECT * FROM reading_event_daily;
END $$;

-- The last reading of each kind of each device among those up to `upkeep.digested`; what came
-- since is read from `reading`. So a start needs no walk over 90 days of partitions.
CREATE TABLE latest_reading (
    device  text        NOT NULL,
    kind    text        NOT NULL,
    at      timestamptz NOT NULL,
    arrival bigint      NOT NULL,
    body    text        NOT NULL,
    PRIMARY KEY (device, kind)
) WITH (fillfactor = 80);

-- How far in the order ingest's own upkeep has come: the digests hold everything up to
-- `digested`; the log of the feed was trimmed up to `trimmed` (before it, `reading` is read).
CREATE TABLE upkeep (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    digested bigint NOT NULL DEFAULT 0,
    trimmed  bigint NOT NULL DEFAULT 0
);
INSERT INTO upkeep DEFAULT VALUES;

-- Where in the order a moment lies: what has a number up to `arrival` was stored before `at`.
CREATE TABLE arrival_mark (
    at      timestamptz PRIMARY KEY,
    arrival bigint NOT NULL
);
