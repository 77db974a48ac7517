"""Contract v1 for vendors: the page, the wire types, JSON Schemas, and good and bad samples."""
