-- ingest: whose a rejected message is, as far as its topic or its sender tells ("" = nobody can
-- say), so that the console asks for one device's among the many of another.
ALTER TABLE rejection ADD COLUMN device text NOT NULL DEFAULT '';
UPDATE rejection SET device = coalesce(
    (SELECT id FROM device WHERE device.topic = rejection.topic AND rejection.topic <> ''),
    substring(topic FROM '^carewatch/v1/[^/]+/[^/]+/([^/]+)$'),
    substring(http::jsonb ->> 'path' FROM '^/ingest/v1/[^/]+/[^/]+/([^/?]+)'),
    '');
CREATE INDEX rejection_device ON rejection (device, n);
CREATE INDEX rejection_reason ON rejection (reason, n);

-- The readings that were not taken as they were sent: few, and asked for without a device too.
-- The condition is that of `ingest.history.readings`.
CREATE INDEX reading_track_mended ON reading_track (arrival)
    WHERE body LIKE '%"repaired":%' OR body NOT LIKE '%"clock":"ok"%';
CREATE INDEX reading_event_mended ON reading_event (arrival)
    WHERE body LIKE '%"repaired":%' OR body NOT LIKE '%"clock":"ok"%';

-- devices: when a device came into the register, got its present secret, and was first named by a
-- town file. NULL: it did not yet, or before this was kept.
ALTER TABLE device ADD COLUMN registered_at timestamptz;
ALTER TABLE device ALTER COLUMN registered_at SET DEFAULT now();
ALTER TABLE device ADD COLUMN secret_at timestamptz;
ALTER TABLE device ADD COLUMN in_file_at timestamptz;

-- ingest: messages that had been stored before, by the device that sent them again. Kept 7 days.
CREATE TABLE device_repeats (
    hour     timestamptz NOT NULL,
    device   text NOT NULL,
    messages bigint NOT NULL,
    PRIMARY KEY (device, hour)
);
CREATE INDEX device_repeats_hour ON device_repeats (hour);
