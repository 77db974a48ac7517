"""Pure: records into what a page shows, in the reader's language."""
