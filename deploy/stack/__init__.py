"""Starts and supervises all services, with an embedded broker and database where none is given."""
