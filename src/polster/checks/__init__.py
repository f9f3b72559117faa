"""What `polster validate` looks for, before a single row moves."""
