"""The extractive reader: quote the one to three sentences that answer, word for word, without a model or network."""

from collections.abc import AsyncGenerator, Sequence

from index.markup import readable
from service.readers.base import Reading
from service.readers.evidence import Evidence, ScoredSentence
from service.records import DraftSentence, Passage

QUOTED = 3
"""Sentences quoted at most: the third still finds 6 to 7 answers in 100 on news."""

NEAR_BEST = 0.75
"""Least share of the best score for a further sentence to be quoted.

On SQuAD this keeps 99 of 100 hits of all three, and quotes 2.2 sentences (`benchmarks/calibrate.py`).
"""


class ExtractiveReader:
    """Quotes the sentences with the best scores, grouped by article and in their order there."""

    name = "extractive@2"
    quotes_only = True
    model = None
    prompt = None

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return all passages."""
        return tuple(passages)

    async def read(self, reading: Reading) -> AsyncGenerator[DraftSentence, None]:
        """Yield the quoted sentences, each with the marker of its passage before its full stop.

        The marker of a sentence that ends with a quotation mark comes after it.
        """
        for sentence in quoted(reading.evidence):
            start, end = sentence.quote or sentence.span
            text = readable(sentence.passage.article.body[start:end])
            statement = text.rstrip(".!?…")
            parts = (statement, (sentence.passage.key,), text[len(statement) :])
            yield DraftSentence(tuple(part for part in parts if part), answer=sentence.answer)


def quoted(evidence: Evidence) -> Sequence[ScoredSentence]:
    """Return the sentences to quote: the best and those near it, the article of the best first."""
    # Articles repeat the sentences of news agencies; the best place of each is quoted.
    once: dict[str, ScoredSentence] = {}
    for sentence in evidence.sentences:
        once.setdefault(" ".join(sentence.text.casefold().split()), sentence)
    best = list(once.values())[:QUOTED]
    near = [sentence for sentence in best if sentence.score >= NEAR_BEST * best[0].score]
    articles = list(dict.fromkeys(sentence.passage.article.article_id for sentence in near))
    return sorted(near, key=lambda s: (articles.index(s.passage.article.article_id), s.span))
