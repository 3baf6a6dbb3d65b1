"""The id of the request that is being answered, for lines in the log."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Set for each HTTP request; empty where a question does not come over HTTP."""
