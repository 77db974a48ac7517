-- ingest: what devices announce of themselves (Home Assistant discovery), one row a config topic.
CREATE TABLE announcement (
    topic        text PRIMARY KEY,     -- where it was announced
    owner        text NOT NULL,        -- whose account it came from; '' = one that is no device's
    payload      bytea NOT NULL,       -- as it came; of a withdrawn one the last
    first_at     timestamptz NOT NULL, -- of two that announce one topic the first is believed
    announced_at timestamptz NOT NULL,
    withdrawn_at timestamptz,          -- an empty message took it back; kept, for who is registered
    version      bigint NOT NULL       -- each change draws a higher one, under a lock until commit
);
CREATE INDEX announcement_version ON announcement (version);
CREATE SEQUENCE announcement_version_seq;
