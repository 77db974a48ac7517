-- ingest: what devices are told of their presses after the message itself was stored. Asked for by
-- alerts in the transaction that writes the acknowledgement; sent by whoever holds the life slot.
CREATE TABLE device_answer (
    device   text NOT NULL,
    press    text NOT NULL,               -- the id of the press
    answer   text NOT NULL CHECK (answer IN ('coming')),
    at       timestamptz NOT NULL,        -- when somebody said that they are going
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at  timestamptz,                 -- the broker has taken it; NULL = not yet, or no topic
    PRIMARY KEY (device, press, answer)
);
CREATE INDEX device_answer_unsent ON device_answer (asked_at) WHERE sent_at IS NULL;

-- ingest: the answer topic of each device that has pressed by MQTT, with the site it named last.
CREATE TABLE answer_topic (device text PRIMARY KEY, topic text NOT NULL);

-- ingest: how far a ZKTeco terminal has uploaded its attendance, in its own counting; it asks at
-- each start, and sends only what is newer.
CREATE TABLE push_stamp (terminal text PRIMARY KEY, stamp text NOT NULL);
