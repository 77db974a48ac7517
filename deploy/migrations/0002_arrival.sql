-- One sequence for readings and inbox entries. Every writer takes the advisory lock
-- `pg_advisory_xact_lock(726001)` before drawing numbers and holds it until commit, so numbers
-- become visible in order and a reader never overtakes an open transaction.
CREATE SEQUENCE arrival;

-- ingest: the feed of readings, one row a committed batch: `body` is a JSON array of the new
-- readings (duplicates left out) in arrival order, first .. last. Trimmed behind the checkpoints.
CREATE TABLE arrival_log (
    last       bigint PRIMARY KEY,
    first      bigint NOT NULL,
    life       boolean NOT NULL,      -- holds an SOS: read by the life lane too
    stored_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    body       bytea NOT NULL
);
ALTER TABLE arrival_log ALTER body SET STORAGE EXTERNAL;  -- compressing it costs more than it saves
CREATE INDEX arrival_log_life ON arrival_log (last) WHERE life;
CREATE INDEX arrival_log_stored ON arrival_log (stored_at);

-- ingest: how far each worker's lane has committed: everything it received before `seen_until`
-- is stored. The engine's timers wait for it. A row not renewed for 10 s is a dead worker.
CREATE TABLE ingest_horizon (
    worker     text NOT NULL,
    lane       text NOT NULL,         -- life | bulk
    seen_until timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (worker, lane)
);

-- alerts: what people, channels and loads said, in the same order. `body` is an InboxEntry.
CREATE TABLE inbox (
    arrival bigint PRIMARY KEY,
    at      timestamptz NOT NULL,
    type    text NOT NULL,
    body    jsonb NOT NULL
);
