"""Planned visits and what the evidence makes of them. Pure."""
