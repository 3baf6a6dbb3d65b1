"""Turn a question and a chunk into the pieces that the span reader reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

CLS, SEP = 101, 102
QUESTION_PIECES = 64
TITLE_PIECES = 32
PIECES = 384
"""Pieces at most: a chunk has 200, and its title and the question come on top."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pieces and their types; `first` is the first piece of the chunk's text, `offsets` its pieces' code points."""

    ids: list[int]
    types: list[int]
    first: int
    offsets: list[tuple[int, int]]

    def pieces(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the first and last piece of a span of the text, or None where the text was cut before it."""
        touched = [at for at, (left, right) in enumerate(self.offsets) if left < end and right > start]
        return (self.first + touched[0], self.first + touched[-1]) if touched else None


class Encoder:
    """Encodes with the model package's tokenizer, without its padding and truncation."""

    def __init__(self, tokenizer: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, question: str, title: str, text: str) -> Encoded:
        """Return `[CLS] question [SEP] title: text [SEP]`, cut at the end where it is too long."""
        asked = self._ids(question)[:QUESTION_PIECES]
        headed = [*self._ids(title)[:TITLE_PIECES], *self._ids(":")] if title else []
        pieces = self._tokenizer.encode(text, add_special_tokens=False)
        room = PIECES - len(asked) - len(headed) - 3
        body, offsets = list(pieces.ids)[:room], list(pieces.offsets)[:room]
        ids = [CLS, *asked, SEP, *headed, *body, SEP]
        first = len(asked) + len(headed) + 2
        return Encoded(ids, _types(asked, [*headed, *body]), first, offsets)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _types(asked: Sequence[int], context: Sequence[int]) -> list[int]:
    """Return the type of each piece: whether it is of the question, and whether the other side has it as well."""
    in_question, in_context = set(asked), set(context)
    questions = [3 if piece in in_context else 0 for piece in asked]
    contexts = [2 if piece in in_question else 1 for piece in context]
    return [0, *questions, 0, *contexts, 1]
