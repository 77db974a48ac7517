"""What devices announce about themselves by Home Assistant's MQTT discovery, and its meaning."""
