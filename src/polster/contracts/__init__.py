"""Contracts: dataframely schemas, and the judging of rows by them."""
