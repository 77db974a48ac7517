"""What every room uses: errors, lock numbers, mappings in snapshots. Imports no other room."""
