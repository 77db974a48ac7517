"""The town as the rules know it: plans, settings, heartbeats, whose visit is where. Pure."""
