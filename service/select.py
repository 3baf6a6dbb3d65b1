"""Selection: which of the ranked chunks a reader is shown, and the key under which a model cites each."""

import hashlib
from collections.abc import Iterable, Sequence

from index.records import Article, ScoredChunk
from service.records import Passage

_LETTERS = "bcdfghjkmnpqrstvwxz"
_MIXED = "bcdfghjkmnpqrstvwxz23456789"


def select(ranked: Sequence[tuple[ScoredChunk, Article]], count: int) -> tuple[Passage, ...]:
    """The best chunks as passages, at most `count`, in rank order, each under a key of its own."""
    chosen = ranked[:count]
    keys = passage_keys(scored.chunk.chunk_id for scored, _ in chosen)
    return tuple(Passage(key, scored, article) for key, (scored, article) in zip(keys, chosen, strict=True))


def passage_keys(chunk_ids: Iterable[str]) -> list[str]:
    """Short keys, such as `k7f2`: never a word, never a number, the same for the same chunks."""
    keys: dict[str, None] = {}
    for chunk_id in chunk_ids:
        attempt = 0
        while (key := _key(f"{chunk_id}/{attempt}")) in keys:
            attempt += 1
        keys[key] = None
    return list(keys)


def _key(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    letters = [_LETTERS[digest[0] % len(_LETTERS)], *(_MIXED[byte % len(_MIXED)] for byte in digest[1:3])]
    return f"{''.join(letters)}{digest[3] % 8 + 2}"
