"""Figures about alerts: alarm load, floods, answering times, button tests. Pure."""
