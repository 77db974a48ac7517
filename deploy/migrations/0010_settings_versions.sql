-- alerts: each change of the rule settings has a number, counted from 1; what they were and who
-- changed them, when and why stands in the inbox. `in_file` is what the town file said last, while
-- settings enabled by hand are in force instead of it.
ALTER TABLE rule_setting ADD COLUMN settings_version int NOT NULL DEFAULT 0;
ALTER TABLE rule_setting ADD COLUMN in_file jsonb;
UPDATE rule_setting SET settings_version = (
    SELECT count(*) FROM inbox WHERE type = 'town_changed'
    AND (body->'plans'->>'rules' IS NOT NULL OR body->'plans'->>'rules_for' IS NOT NULL));
CREATE INDEX inbox_town ON inbox (arrival) WHERE type = 'town_changed';

-- alerts: settings tried on what is stored, before they wake anyone. Kept for their author.
CREATE TABLE rule_trial (
    id         text PRIMARY KEY,
    person     text NOT NULL,
    asked_at   timestamptz NOT NULL,
    state      text NOT NULL,                 -- waiting running done failed stopped
    body       jsonb NOT NULL,                -- alerts.trials.requests.Request
    progress   real NOT NULL DEFAULT 0,       -- 0 to 1
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    fault      text NOT NULL DEFAULT '',      -- why it failed
    summary    text,                          -- alerts.trials.report.Summary
    report     text,                          -- the whole report, HTML
    enabled_as int                            -- the version of the settings it became
);
CREATE UNIQUE INDEX rule_trial_one_a_person ON rule_trial (person)
    WHERE state IN ('waiting', 'running');
