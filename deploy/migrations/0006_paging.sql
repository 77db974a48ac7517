-- alerts: mutes, shelves and maintenance windows, each with an end, a reason and a name.
CREATE TABLE mute (
    id     text PRIMARY KEY,
    until  timestamptz NOT NULL,      -- brought forward when it is ended early
    body   jsonb NOT NULL             -- alerts.types.Muted
);
-- when a channel's receipt said that a page had arrived, and what a failed one said
ALTER TABLE page ADD COLUMN delivered_at timestamptz;
ALTER TABLE page ADD COLUMN error text;
-- a claim of a process that is gone holds nobody up; one of ours lasts for a lease
ALTER TABLE page ADD COLUMN claimed_by text;
-- pages of one person are bundled by area and rule; life pages never are
CREATE INDEX page_recent ON page (person, sent_at) WHERE severity <> 'life';
-- what people and channels said is heard ahead of a backlog of readings: how far in the inbox
ALTER TABLE checkpoint ADD COLUMN heard_at bigint NOT NULL DEFAULT 0;
