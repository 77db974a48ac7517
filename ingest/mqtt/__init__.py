"""The MQTT edge: packets, one connection, and the session that the broker keeps."""
