"""What the tests of a project call: run an asset on given rows, and ask what became of them."""
