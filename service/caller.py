"""The caller of a request: a key with its scopes and bounds, or an anonymous one."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from index.records import Filters
from service.records import Account, Question

Scope = Literal["ask", "search", "ingest", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request; articles outside of `bounds` do not exist for it.

    `key_id` is the public part of its key, or None without one. `per_minute` and `tokens_per_day` are the limits of its
    key, or None for those of the settings. Anybody can read a publishable key.
    """

    key_id: str | None = None
    scopes: frozenset[Scope] = frozenset()
    bounds: Filters = field(default_factory=Filters)
    is_publishable: bool = False
    per_minute: int | None = None
    tokens_per_day: int | None = None

    def asks(self, question: Question) -> Question:
        """Return a question as one of this caller: within its bounds, and charged to its account."""
        return replace(question, bounds=self.bounds, account=Account(self.key_id, self.tokens_per_day))


ANONYMOUS = Caller(scopes=frozenset[Scope](("ask", "search")))
"""A caller without a key, where the service needs none."""
