"""Simulated devices of a town, with the faults of real ones."""
