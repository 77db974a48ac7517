"""The two lanes, life and main: each a thread that walks the feed and begins again after a loss.

`walk` is one stretch between losses, `lane` the thread, `both` the two side by side on recorded
time, `horizon` how far timers may go, `clock` and `connections` what they run on.
"""
