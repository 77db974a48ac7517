"""The ground all rooms stand on: errors, faults of values, lock numbers, snapshots, connections,
many rows in one statement, the pause between attempts.

Imports nothing of ours.
"""
