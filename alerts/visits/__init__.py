"""Planned visits, and what the evidence makes of each. Pure."""
