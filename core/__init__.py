"""The ground all rooms stand on: errors, faults of values, lock numbers, snapshots.

Imports nothing of ours.
"""
