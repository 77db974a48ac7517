"""The pages and the HTTP API. Reads and asks through the doors of the other rooms."""
