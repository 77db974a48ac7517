-- alerts: the rules that the town has written itself. `body` is an alerts.types.Condition.
CREATE TABLE own_condition (id text PRIMARY KEY, body jsonb NOT NULL);
