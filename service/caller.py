"""Who sends a request: the id of a key with what it permits, or nobody in particular."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from index.records import Filters

Scope = Literal["ask", "search", "ingest", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request; articles outside of `bounds` do not exist for it.

    `key_id` is the public part of its key, or None without one.
    """

    key_id: str | None = None
    scopes: frozenset[Scope] = frozenset()
    bounds: Filters = field(default_factory=Filters)


ANONYMOUS = Caller(scopes=frozenset[Scope](("ask", "search")))
"""A caller without a key, where the service needs none."""
