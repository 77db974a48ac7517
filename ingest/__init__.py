"""Wire in, rows out: from a broker's message to a committed row."""
