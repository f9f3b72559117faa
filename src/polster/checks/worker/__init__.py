"""The child process that calls the user's functions over zero rows."""
