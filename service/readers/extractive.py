"""The extractive reader: the words of the one to three sentences that answer. No model, no network."""

from collections.abc import AsyncGenerator, Sequence

from index.markup import readable
from service.readers import Drafted, Reading
from service.readers.evidence import Evidence, WeighedSentence
from service.records import DraftSentence, Passage

QUOTED = 3
"""Sentences quoted at most: the third still finds 6 to 7 answers in 100 on news."""

NEAR_BEST = 0.75
"""A further sentence is quoted when its score is at least this share of the best one's.

On SQuAD this keeps 99 of 100 hits of all three, and quotes 2.2 sentences (`benchmarks/calibrate.py`).
"""


class ExtractiveReader:
    """Quotes the sentences with the best evidence, those of one article together and in their order."""

    name = "extractive@1"
    quotes_only = True
    model = None
    prompt = None

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return all passages."""
        return tuple(passages)

    async def read(self, reading: Reading) -> AsyncGenerator[Drafted, None]:
        """The quoted sentences as whole drafts, each citing the passage it stands in."""
        for sentence in quoted(reading.evidence):
            yield _draft(sentence)


def _draft(sentence: WeighedSentence) -> DraftSentence:
    """Return the words of the sentence with their marker before the full stop, or behind a closing quotation mark."""
    shown = readable(sentence.text)
    words = shown.rstrip(".!?…")
    stop = shown[len(words) :]
    parts = (words, (sentence.passage.key,), stop) if stop else (words, (sentence.passage.key,))
    return DraftSentence(parts)


def quoted(evidence: Evidence) -> Sequence[WeighedSentence]:
    """The sentences to quote: the best, and those near it; the article of the best comes first."""
    # Agencies' words stand in many articles; the best place of each is quoted.
    once: dict[str, WeighedSentence] = {}
    for sentence in evidence.sentences:
        once.setdefault(" ".join(sentence.text.casefold().split()), sentence)
    best = list(once.values())[:QUOTED]
    near = [sentence for sentence in best if sentence.score >= NEAR_BEST * best[0].score]
    articles = list(dict.fromkeys(sentence.passage.article.article_id for sentence in near))
    return sorted(near, key=lambda s: (articles.index(s.passage.article.article_id), s.span))
