"""The two lanes, life and main: each a thread that follows the feed and recovers after a loss.

- `lane`: the thread: connects, recovers, begins again; `loop`: its steps from one start to the next
- `feed`, `horizon`: what a step reads, and how far timers may go
- `committer`, `save_policy`: what a step comes to, and when rule states are saved with it
- `journal`, `tables`: how it is written, in one transaction
- `past`: the town and the stimuli of an earlier time
- `on_the_way`: who is going to an alert, and whether their phone has arrived (pure)
"""
