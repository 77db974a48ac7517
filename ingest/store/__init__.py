"""Writes readings as rows: one transaction a batch, repeats, partitions and their upkeep."""
