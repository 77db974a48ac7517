-- alerts: what came with an idempotency key is appended once, however often it is sent
ALTER TABLE inbox ADD COLUMN said_once text;
CREATE UNIQUE INDEX inbox_said_once ON inbox (said_once) WHERE said_once IS NOT NULL;
