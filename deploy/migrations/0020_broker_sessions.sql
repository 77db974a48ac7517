-- ingest: what the client ids of this installation's broker sessions end in. Whoever knows a
-- session's id and may sign in under it takes the session over, so nobody can guess it; any
-- process of this installation takes a session over by the same id.
CREATE TABLE broker_session_suffix (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    suffix text NOT NULL              -- 122 random bits
);
INSERT INTO broker_session_suffix (suffix) VALUES (replace(gen_random_uuid()::text, '-', ''));

-- ingest: sessions that an earlier release kept under ids that anybody can guess. What waits in
-- them is stored, then they are ended and the row goes.
CREATE TABLE old_broker_session (
    slot text PRIMARY KEY             -- life, bulk-1, ...: the client id was carewatch- and this
);
INSERT INTO old_broker_session SELECT slot FROM ingest_slot;
UPDATE first_delivery SET slot = 'old-' || slot;

-- ingest: signs that somebody else reads a session of ours, for wall, desk, doctor and watcher.
CREATE TABLE session_intrusion (
    slot    text NOT NULL,
    sign    text NOT NULL,            -- missing, taken_over or ended
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    count   int NOT NULL              -- messages, take-overs or ends
);
CREATE INDEX session_intrusion_seen ON session_intrusion (seen_at);

-- devices: who was revoked a moment ago, asked every second.
CREATE INDEX device_revoked ON device (revoked_at) WHERE revoked_at IS NOT NULL;
