"""Values into tables and rows out of them, for `alerts.lanes.journal` and `alerts.history`."""
