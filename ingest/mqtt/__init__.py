"""The broker's edge: packets as bytes, one connection, and the session that the broker keeps."""
