"""Readings into rows: one transaction a batch, repeats, partitions and their upkeep."""
