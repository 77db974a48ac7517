"""What several rules share: silence, outages, places, conditions. Pure."""
