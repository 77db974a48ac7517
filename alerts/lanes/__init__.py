"""The two lanes, life and main: each a thread that reads the feed and begins again after a loss.

`lane` is the thread, `loop` its work between two losses, `committer` and `save_policy` what it
writes and when, `journal` and `tables` how, `feed` and `horizon` what it reads and how far timers
may go.
"""
