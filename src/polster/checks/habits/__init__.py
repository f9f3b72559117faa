"""What the source of an asset does that its layer does not allow; read, never run."""
