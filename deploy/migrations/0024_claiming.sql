-- deploy: a claim code is printed on a box of devices; each of them exchanges it once for a secret
-- of its own (deploy/claiming). Of the code only a salted hash is kept.
CREATE TABLE claim_code (
    id         text PRIMARY KEY,          -- the code's first part, which is no secret
    code_hash  text NOT NULL,
    kind       text NOT NULL,             -- what the devices are
    holder     text,                      -- whose they are: facility:f-1; NULL = said later
    site       text NOT NULL,             -- the level of their topics behind carewatch/v1/
    prefix     text NOT NULL,             -- of their ids: prefix + serial number
    model      text NOT NULL,
    devices    integer NOT NULL CHECK (devices > 0), -- how many may claim
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE claim (
    device     text PRIMARY KEY,          -- no foreign key: it is history when the device has gone
    code       text NOT NULL REFERENCES claim_code (id),
    serial     text NOT NULL,
    nonce_hash text NOT NULL,             -- who can show it again is the same device
    claimed_at timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,      -- of the last repeat
    times      integer NOT NULL DEFAULT 1,
    address    text NOT NULL              -- the network it came from last
);
CREATE INDEX claim_code_devices ON claim (code);
