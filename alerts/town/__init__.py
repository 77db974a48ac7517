"""The town as the rules know it: register, plans, settings, heartbeats, open visits. Pure."""
