"""What a device can say, and whom it belongs to. Imports no room but core."""
