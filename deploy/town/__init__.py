"""Reads a town file: YAML with line numbers, typed items, and every fault that can be found."""
