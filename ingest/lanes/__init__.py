"""From a broker session to committed rows: batches, saving lanes, and which process reads what."""
