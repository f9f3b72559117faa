"""A pipeline played through on sampled rows: what a rehearsal needs."""
