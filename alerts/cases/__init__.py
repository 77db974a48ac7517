"""What becomes of a finding: one alert, its mutes, its ladder. Pure."""
