"""Embedding on many machines: plan what to embed, let workers embed it shard by shard, ingest with their vectors."""
