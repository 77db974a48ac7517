"""A fictitious town for trying carewatch out."""
