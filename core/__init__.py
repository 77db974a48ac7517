"""The ground all rooms stand on: errors, locks, snapshots, connections. Imports nothing of ours."""
