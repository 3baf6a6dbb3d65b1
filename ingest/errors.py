"""Errors of embedding jobs."""

from index.errors import DatelineError


class ShardInvalid(DatelineError):
    """A shard of an embedding job, or its vectors, is missing, corrupt or of another model."""


class JobIncomplete(DatelineError):
    """Shards of an embedding job have no vectors yet."""
