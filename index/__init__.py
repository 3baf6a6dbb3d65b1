"""The index: what `ingest` writes and `service` reads, one immutable generation after another."""
