"""What was examined before, kept in the project's folder for as long as nothing changes."""
