"""Ingest: load, clean, chunk and embed articles, and publish a new generation of the index."""
