"""Puts the rooms together: the `carewatch` command, the embedded stack, the migrations."""
