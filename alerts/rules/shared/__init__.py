"""Judgements that several rules share. Pure."""
