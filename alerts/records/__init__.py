"""Values into tables and rows out of them, for `alerts.journal` and `alerts.history`."""
