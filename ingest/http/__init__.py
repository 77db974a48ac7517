"""The same road for terminals that speak HTTP: who may push, and what they are answered."""
