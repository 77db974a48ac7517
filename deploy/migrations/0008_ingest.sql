-- ingest: which process reads which broker session. A process that runs holds the advisory lock
-- (726003, worker); a session whose worker is gone is taken over by another, so that what the
-- broker keeps for it is not left behind.
CREATE SEQUENCE ingest_worker AS int;
CREATE TABLE ingest_slot (
    slot       text PRIMARY KEY,      -- life, bulk-1, bulk-2, ...: the end of the MQTT client id
    worker     int NOT NULL,
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- ingest: when a message without a time of its own first came, until its packet id is used again.
-- The broker's second delivery of it then gets the first one's stamp, and so the same key.
CREATE TABLE first_delivery (
    slot        text NOT NULL,
    packet_id   int NOT NULL,
    digest      bytea NOT NULL,       -- of topic and payload
    received_at timestamptz NOT NULL,
    PRIMARY KEY (slot, packet_id)
);

-- ingest: what the broker itself says it dropped, since its own start ($SYS).
CREATE TABLE broker_drops (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    dropped bigint NOT NULL,
    grew_at timestamptz               -- when we last saw it grow; NULL = never
);
