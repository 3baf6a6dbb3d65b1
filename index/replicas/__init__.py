"""Copies of an index on other machines, through an object store: push and pull generations."""
