-- alerts: what it was given.
CREATE TABLE zone       (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE visit_plan (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE staff      (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE rota       (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE ladder     (id text PRIMARY KEY, position int NOT NULL, body jsonb NOT NULL);
CREATE TABLE rule_setting (one boolean PRIMARY KEY DEFAULT true CHECK (one),
                           rules jsonb NOT NULL DEFAULT '{}', rules_for jsonb NOT NULL DEFAULT '[]');

-- alerts: what it concluded. `body` is the whole value; the columns are what is searched by.
CREATE TABLE alert (
    id          text PRIMARY KEY,
    rule        text NOT NULL,
    subject     text NOT NULL,
    key         text NOT NULL,
    severity    text NOT NULL,
    state       text NOT NULL,        -- open acknowledged resolved cleared
    area        text,
    agency      text,
    raised_at   timestamptz NOT NULL,
    next_at     timestamptz,
    changed     bigint NOT NULL,      -- grows with each change: what the wall follows
    body        jsonb NOT NULL
);
CREATE UNIQUE INDEX alert_open ON alert (rule, subject, key) WHERE state IN ('open', 'acknowledged');
CREATE INDEX alert_raised ON alert (raised_at);
CREATE INDEX alert_changed ON alert (changed);
CREATE SEQUENCE change;               -- numbers `alert.changed` and `visit.changed`

CREATE TABLE finding (                -- every finding as it was made, append-only
    n        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    rule     text NOT NULL,
    subject  text NOT NULL,
    event    text NOT NULL,
    alert    text,
    body     jsonb NOT NULL
);
CREATE INDEX finding_at ON finding (at);

CREATE TABLE page (
    id         text PRIMARY KEY,      -- deterministic: a repeat is known as one
    alert      text NOT NULL REFERENCES alert (id),
    person     text NOT NULL,
    severity   text NOT NULL,
    state      text NOT NULL,         -- due sending queued sent delivered read failed cancelled held
    due_at     timestamptz NOT NULL,
    claimed_at timestamptz,           -- a claim older than the lease is taken over
    sent_at    timestamptz,
    attempts   int NOT NULL DEFAULT 0,
    body       jsonb NOT NULL
);
CREATE INDEX page_due ON page (due_at) WHERE state IN ('due', 'sending');
CREATE INDEX page_alert ON page (alert);

CREATE TABLE visit (
    id       text PRIMARY KEY,        -- v-1@2026-11-02
    client   text NOT NULL,
    caregiver text,
    start    timestamptz NOT NULL,
    state    text NOT NULL,
    grade    text NOT NULL,
    changed  bigint NOT NULL,
    body     jsonb NOT NULL
);
CREATE INDEX visit_start ON visit (start);
CREATE INDEX visit_changed ON visit (changed);
CREATE TABLE visit_revision (         -- append-only: what each visit was thought to be, and when
    id       text NOT NULL,
    revision int NOT NULL,
    at       timestamptz NOT NULL,
    body     jsonb NOT NULL,
    PRIMARY KEY (id, revision)
);

-- alerts: what survives a restart. One checkpoint a lane: outputs are committed up to
-- `outputs_at`; rule states were last saved at `states_at` (<= outputs_at). A restart loads the
-- states and walks the feed again from there, saying nothing until it passes `outputs_at`.
CREATE TABLE checkpoint (
    lane       text PRIMARY KEY,      -- life | main
    outputs_at bigint NOT NULL,
    states_at  bigint NOT NULL,
    clock      timestamptz NOT NULL,       -- the engine's clock at outputs_at
    states_clock timestamptz NOT NULL,     -- the engine's clock at states_at
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE rule_state (
    rule    text NOT NULL,
    key     text NOT NULL,
    version int NOT NULL,
    wake_at timestamptz,
    body    bytea NOT NULL,
    PRIMARY KEY (rule, key)
);
