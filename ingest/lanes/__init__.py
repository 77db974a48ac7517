"""From a session to committed rows: batches, the saving lane, who reads which session."""
