-- dashboards: sign-ins, sessions and who looked at what.
CREATE TABLE sign_in (
    name        text PRIMARY KEY,     -- what is typed; the person's id unless set otherwise
    person      text NOT NULL,        -- staff.id
    secret_hash text NOT NULL
);
CREATE TABLE session (
    id         text PRIMARY KEY,      -- hash of the cookie
    person     text NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    ends_at    timestamptz NOT NULL
);
CREATE TABLE access_log (
    at      timestamptz NOT NULL DEFAULT now(),
    person  text NOT NULL,
    what    text NOT NULL,            -- reveal, export, trail, ...
    subject text NOT NULL
);
CREATE INDEX access_log_at ON access_log (at);
