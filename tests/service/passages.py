"""Passages for tests, a chunk with the complete body of its article, and their sentences as evidence."""

from datetime import datetime

from index.records import Article, Chunk, Span
from service.readers.evidence import Evidence, ScoredSentence, statements_of
from service.records import Passage


def make_passage(
    key: str,
    text: str,
    *,
    title: str | None = None,
    source: str | None = None,
    published_at: datetime | None = None,
) -> Passage:
    """Return a passage with this key whose article is `text`."""
    article = Article(
        f"article-{key}", text, f"/articles/{key}.txt", title=title, source=source, published_at=published_at
    )
    chunk = Chunk(f"article-{key}:0", article.article_id, 0, text, 0, len(text), len(text.split()))
    return Passage(key, chunk, article, 1.0, 0.5, 2.0)


def answering(*told: tuple[str, str | None, float]) -> Evidence:
    """Return the sentences of one article as evidence, each with its answer and score."""
    text = " ".join(sentence for sentence, _, _ in told)
    found = []
    for each, (sentence, answer, score) in zip(statements_of([make_passage("k1f2", text)]), told, strict=True):
        start = text.index(sentence) + sentence.index(answer) if answer else 0
        span = Span(start, start + len(answer)) if answer else None
        found.append(ScoredSentence(each.passage, each.span, each.text, score, each.quote, span))
    return Evidence(tuple(found), 0.9, 20.0)
