"""What readers ask the tables of alerts for. The parts of `alerts.history`."""
