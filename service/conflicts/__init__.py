"""Conflicts between articles, and developments over time."""
