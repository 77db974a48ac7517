"""Reading a town file: YAML with its lines, typed items, and every fault that can be found."""
