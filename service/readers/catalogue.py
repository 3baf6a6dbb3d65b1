"""The catalogue as a reader: how many articles have some words, counted and not read.

The words must be in this order in the title or in a chunk, in any case; the last one may have a plural or a genitive.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from index.catalog import PAGE
from index.generation import Generation
from index.markup import readable
from index.records import Filters
from index.text import sentence_spans
from service.records import DraftSentence, Passage

CATALOGUE = "catalogue@1"
"""The name of this reader in an answer, with its version."""

SHOWN = 3
"""Articles that are quoted as examples, the newest of those that were retrieved."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class ArticleCount:
    """The number of articles with some words, and of their stories, in which copies count once, among `total`."""

    words: str
    articles: int
    stories: int
    total: int

    @property
    def statement(self) -> str:
        """The count as a sentence."""
        if self.total == 1:
            return f"The only article {'has' if self.articles else 'does not have'} the words “{self.words}”."
        number = {0: "None", 1: "One"}.get(self.articles, f"{self.articles:,}")
        stories = f", or {self.stories:,} without copies" if self.stories < self.articles else ""
        has = "have" if self.articles > 1 else "has"
        return f"{number} of the {self.total:,} articles {has} the words “{self.words}”{stories}."


def count_articles(generation: Generation, phrase: str, filters: Filters) -> ArticleCount:
    """Return how many of the articles that pass the filters have a phrase."""
    pattern, allowed = pattern_of(phrase), generation.allowed_rows(filters)
    rows = np.flatnonzero(generation.lexical.every(phrase))
    if allowed is not None:
        rows = rows[allowed[rows]]
    stories, found = generation.stories.of_chunks, dict[str, str]()
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        for row, (chunk, article) in zip(page.tolist(), generation.chunks(page), strict=True):
            if article.article_id not in found and pattern.search(f"{article.title or ''}\n{chunk.text}"):
                found[article.article_id] = article.article_id if stories[row] < 0 else f"#{stories[row]}"
    total = generation.manifest.article_count if allowed is None else generation.count_articles(allowed)
    return ArticleCount(phrase, len(found), len(set(found.values())), total)


def pattern_of(phrase: str) -> re.Pattern[str]:
    """Return the pattern of a phrase: its words with anything but letters and digits between them."""
    found = _WORD.findall(phrase)
    inner = r"[\W_]+".join(map(re.escape, found))
    return re.compile(rf"(?<![^\W_]){inner}(?:['’]?s|es)?(?![^\W_])", re.IGNORECASE)


def examples(phrase: str, passages: Sequence[Passage]) -> Iterator[DraftSentence]:
    """Yield the first sentence with a phrase of some passages, each with its marker, the newest article first."""
    pattern = pattern_of(phrase)
    dated = sorted(passages, key=lambda each: each.article.published_at.timestamp() if each.article.published_at else 0)
    seen: set[str] = set()
    for passage in reversed(dated):
        text = passage.chunk.text
        spans = (text[span.start : span.end] for span in sentence_spans(text, headings=False))
        sentence = next((each for each in spans if pattern.search(each)), None)
        if sentence and passage.article.article_id not in seen and len(seen) < SHOWN:
            seen.add(passage.article.article_id)
            yield DraftSentence.quoting(passage.key, readable(sentence))
