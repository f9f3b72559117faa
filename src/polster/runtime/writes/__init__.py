"""The ways of changing a table, one a file."""
