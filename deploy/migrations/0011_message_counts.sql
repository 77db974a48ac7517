-- ingest: what became of the messages, by minute and family: the counters of /metrics, kept.
-- received = stored + duplicate + rejected + ignored in every row, whatever the load, because a
-- lane writes between two batches. Kept for 7 days.
CREATE TABLE message_count (
    minute    timestamptz NOT NULL,
    family    text NOT NULL,
    received  bigint NOT NULL,
    stored    bigint NOT NULL,
    duplicate bigint NOT NULL,
    rejected  bigint NOT NULL,
    ignored   bigint NOT NULL,
    PRIMARY KEY (minute, family)
);
