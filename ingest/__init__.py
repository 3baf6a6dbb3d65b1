"""Articles to chunks: load, clean, chunk, embed, and publish a new generation of the index."""
