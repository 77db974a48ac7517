"""A town of devices that speak like real ones, and misbehave like real ones."""
