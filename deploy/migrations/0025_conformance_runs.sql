-- devices: the kept runs of the conformance checklist, the last twenty of a device.
CREATE TABLE conformance_run (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device  text NOT NULL,
    ended   timestamptz NOT NULL,
    state   text NOT NULL CHECK (state IN ('pass', 'fail', 'needs a person')),
    version text NOT NULL,               -- of carewatch, whose checklist it was
    reports jsonb NOT NULL               -- the whole report by language: zh, en
);
CREATE INDEX conformance_run_device ON conformance_run (device, number DESC);
