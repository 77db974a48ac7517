"""The pages and the HTTP API, read through the doors of the other rooms."""
