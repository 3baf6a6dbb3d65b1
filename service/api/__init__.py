"""The HTTP API; fastapi is imported here only."""
