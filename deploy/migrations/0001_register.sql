-- devices: the register. One row an item; `body` is the item as the town file states it.
CREATE TABLE area      (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE agency    (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE client    (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE caregiver (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE facility  (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE resident  (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE device (
    id          text PRIMARY KEY,
    kind        text CHECK (kind IN ('phone', 'door', 'sos', 'terminal', 'sensor')),
    holder      text,                 -- client:c-1 caregiver:g-1 resident:r-1 facility:f-1
    topic       text UNIQUE,          -- where another family's device speaks
    extra       jsonb NOT NULL DEFAULT '{}',   -- the other fields of devices.directory.Device
    in_file     boolean NOT NULL DEFAULT false,  -- a town file names it; others outlive a load
    secret_hash text,                 -- of the device's own credential; never the secret
    revoked_at  timestamptz
);
CREATE TABLE town (one boolean PRIMARY KEY DEFAULT true CHECK (one), timezone text NOT NULL);
