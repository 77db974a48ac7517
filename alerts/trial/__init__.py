"""A rule on trial: other settings, what differs from what was, how heavy it weighs. Pure."""
