"""Readers: extractive, which quotes, and llm, which asks a language model."""
