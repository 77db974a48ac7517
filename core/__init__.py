"""The ground all rooms stand on: errors, lock numbers, snapshots. Imports nothing of ours."""
