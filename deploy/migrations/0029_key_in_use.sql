-- core: the fingerprint of the key that each service signs with, noted when it starts. Links and
-- walls open only where all services have the same; `carewatch doctor` says when they have not.
CREATE TABLE key_in_use (
    service     text PRIMARY KEY,
    fingerprint text NOT NULL,
    noted_at    timestamptz NOT NULL
);
