"""Templates, and the code that writes and removes files."""
