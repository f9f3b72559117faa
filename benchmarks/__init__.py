"""How fast Polster is, beside the same work done by hand; see README.md."""
