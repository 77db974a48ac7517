"""Finds, each minute, whatever is left without a next step, and pages the administrators."""
