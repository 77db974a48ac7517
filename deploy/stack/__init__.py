"""All services in one go: embedded broker and database, and who restarts whom."""
