"""What becomes of a finding: an alert, its mutes, its ladder. Pure."""
