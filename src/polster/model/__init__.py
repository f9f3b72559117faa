"""The values that Polster speaks in: standard library only, no file, clock or environment."""
