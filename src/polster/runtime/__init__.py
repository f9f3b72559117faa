"""The runtime: plan, execute, publish, record."""
