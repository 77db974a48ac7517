"""What a device can say, and who it belongs to. Imports nothing else of carewatch."""
