"""What one can do with Polster, one use a file: plain arguments in, values out, no printing."""
