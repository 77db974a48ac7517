"""From a broker's message to a committed row. Other rooms read through `history`."""
