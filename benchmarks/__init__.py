"""Measurements of speed and quality, compared with alternatives in the same run."""
