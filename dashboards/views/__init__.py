"""What a page shows: records and figures in the reader's language, names masked."""
