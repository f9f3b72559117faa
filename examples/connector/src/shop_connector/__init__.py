"""What a package adds to Polster."""
