"""Takes in stimuli and returns findings; holds the rules' states, timers and clock. Pure."""
