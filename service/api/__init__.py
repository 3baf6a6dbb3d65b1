"""HTTP: the only door to fastapi."""
