"""The span reader: a trained network that reads a question with a chunk and says where in it the answer is.

The body of all-MiniLM-L6-v2 with two logits for each piece: the start and the end of the answer. Those of [CLS] mean
"not in this chunk" (Devlin et al. 2019). It was trained on public questions, and changed with few weights on questions
as readers of news ask them. `training/` has the training, its figures and the licence of the weights.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix
from index.embedding.graph import Network, Precision, network_name, prepare
from index.embedding.local import WEIGHTS, encodable, load_session, load_tokenizer, model_file, weights_digest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BODY = Path(__file__).with_name("span_reader.safetensors")
"""The trained weights: 8-bit matrices with one scale a row; the word embeddings are those of the model package."""

CHANGES = Path(__file__).with_name("span_changes.safetensors")
"""The changes of the body's matrices, as pairs of thin matrices in float16, its norms and types, and the head."""

CLS, SEP = 101, 102
QUESTION_PIECES = 64
TITLE_PIECES = 32
PIECES = 384
"""Pieces at most: a chunk has 200, and its title and the question come on top."""

LONGEST_SPAN = 30
"""Pieces of the longest answer."""

_PROBE = "Who said what, where and when, and how many were there?"


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


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """The best answer within a part of a text: its score above "no answer here", and its code points."""

    score: float
    start: int
    end: int


def encode(tokenizer: "Tokenizer", question: str, title: str, text: str) -> Encoded:
    """Return `[CLS] question [SEP] title: text [SEP]`, cut at the end where it is too long.

    The type of a piece says whether it is of the question or of the chunk, and whether the other side has it as well.
    """
    given = (question, f"{title}:" if title else "", text)
    asked, headed, body = tokenizer.encode_batch(list(map(encodable, given)), add_special_tokens=False)
    title_ids = [*headed.ids[:-1][:TITLE_PIECES], *headed.ids[-1:]]
    question_ids = asked.ids[:QUESTION_PIECES]
    room = PIECES - len(question_ids) - len(title_ids) - 3
    context = [*title_ids, *body.ids[:room]]
    in_question, in_context = set(question_ids), set(context)
    types = [
        0,
        *(3 if piece in in_context else 0 for piece in question_ids),
        0,
        *(2 if piece in in_question else 1 for piece in context),
        1,
    ]
    first = len(question_ids) + len(title_ids) + 2
    return Encoded([CLS, *question_ids, SEP, *context, SEP], types, first, body.offsets[:room])


class SpanNetwork:
    """Reads questions with chunks on onnxruntime; safe to share between threads.

    Its graph is prepared in the folder `models`. Raises ConfigurationError as `prepare` does.
    """

    def __init__(self, models: Path, *, precision: Precision = "int8") -> None:
        graph = prepare(models, span_network(), precision=precision)
        self.kind = graph.kind
        self._session = load_session(graph.path)
        self._tokenizer = load_tokenizer(None)

    def answers(
        self, question: str, title: str, text: str, parts: Sequence[tuple[int, int]]
    ) -> list[AnswerSpan | None]:
        """Return the best answer in each part of a chunk's text, None where the chunk was cut before the part."""
        encoded = encode(self._tokenizer, question, title, text)
        inputs = {"input_ids": np.array([encoded.ids]), "piece_types": np.array([encoded.types])}
        logits: NDArray[np.float32] = self._session.run(["logits"], inputs)[0][0]
        # Row i, column j: a span from piece i to piece j, at most so long.
        every = np.ones((len(logits), len(logits)), np.bool_)
        sums = np.where(np.triu(every) & ~np.triu(every, LONGEST_SPAN), logits[:, :1] + logits[:, 1], -np.inf)
        sums -= logits[0].sum()
        found: list[AnswerSpan | None] = []
        for start, end in parts:
            pieces = encoded.pieces(start, end)
            if pieces is None:
                found.append(None)
                continue
            inner = sums[pieces[0] : pieces[1] + 1, pieces[0] : pieces[1] + 1]
            first, last = divmod(int(inner.argmax()), inner.shape[1])
            at = pieces[0] - encoded.first
            found.append(
                AnswerSpan(float(inner[first, last]), encoded.offsets[at + first][0], encoded.offsets[at + last][1])
            )
        return found


def span_network() -> Network:
    """Return the network of the span reader, as `prepare` builds it."""
    name = network_name("span-reader", weights_digest(), *map(file_digest, (BODY, CHANGES)))
    return Network(name, _write, _outputs)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(target: Path, largest: int | None) -> None:
    from index.embedding.network import write_span_network

    write_span_network(model_file(WEIGHTS), BODY, CHANGES, target, largest=largest)


def _outputs(graph: Path, texts: Sequence[str]) -> Matrix:
    """Return the logits of texts for one question, padded with 0."""
    session, tokenizer = load_session(graph), load_tokenizer(None)
    rows: list[NDArray[np.float32]] = []
    for text in texts:
        encoded = encode(tokenizer, _PROBE, "", text)
        inputs = {"input_ids": np.array([encoded.ids]), "piece_types": np.array([encoded.types])}
        rows.append(session.run(["logits"], inputs)[0].ravel())
    padded = np.zeros((len(rows), max(map(len, rows))), np.float32)
    for row, logits in zip(padded, rows, strict=True):
        row[: len(logits)] = logits
    return padded
