-- alerts: the last daily check of rotas, contacts and ladders, one row
CREATE TABLE paging_lint (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    checked_at timestamptz NOT NULL,
    flaws      jsonb NOT NULL         -- [alerts.figures.lint.Flaw], each with its `since`
);
