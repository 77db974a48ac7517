"""Stimuli in, findings out: states, timers and the clock of the rules. Pure."""
