"""The user's code: a folder becomes a pipeline."""
