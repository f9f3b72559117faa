"""The built-in dashboard: pages over the operations of a project."""
