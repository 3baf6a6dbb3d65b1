"""Composition: sentences one after another into the answer's text, with numbered markers and exact spans."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from index.records import Span, isoformat
from service.answer import Citation, Scores, Source, Verification
from service.citations.stream import without_numbers
from service.records import DraftSentence, Passage, Quote


@dataclass(slots=True)
class Composition:
    """The answer so far; markers are numbered [1], [2], … by first use."""

    passages: Sequence[Passage]
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, draft: DraftSentence, quotes: Sequence[Quote]) -> tuple[str, list[Citation]]:
        """Append a sentence that rests on these quotes: what is new of the text, and its citations.

        Each quote is from a passage that the sentence cites. A marker stays where it stood if one of the quotes is
        from its passage, and goes if none is.
        """
        numbers = {quote.passage.key: self._number(quote.passage.key) for quote in quotes}
        start = len(self.text) + bool(self.text)
        sentence = _rendered(draft, numbers)
        delta = f" {sentence}" if self.text else sentence
        self.text += delta
        span = Span(start, start + len(sentence))
        added = [self._citation(number, quote, span) for number, quote in enumerate(quotes, len(self.citations) + 1)]
        self.citations += added
        return delta, added

    def sources(self) -> tuple[Source, ...]:
        """All passages as sources, those that are cited so far with their marker."""
        return tuple(self._source(number, passage) for number, passage in enumerate(self.passages, 1))

    def _number(self, key: str) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def _citation(self, number: int, quote: Quote, span: Span) -> Citation:
        return Citation(
            id=f"cit_{number}",
            marker=self._number(quote.passage.key),
            source_id=f"src_{self.passages.index(quote.passage) + 1}",
            article_id=quote.passage.article.article_id,
            start_index=span.start,
            end_index=span.end,
            cited_text=quote.text,
            start_char_index=quote.span.start,
            end_char_index=quote.span.end,
            verification=Verification(quote.status, quote.method, quote.score),
        )

    def _source(self, number: int, passage: Passage) -> Source:
        article, chunk, scored = passage.article, passage.chunk, passage.scored
        return Source(
            id=f"src_{number}",
            marker=self._numbers.get(passage.key),
            article_id=article.article_id,
            chunk_id=chunk.chunk_id,
            title=article.title,
            url=article.url,
            source=article.source,
            published_at=isoformat(article.published_at),
            snippet=chunk.text,
            start_char_index=chunk.start_char,
            end_char_index=chunk.end_char,
            score=scored.score,
            scores=Scores(scored.dense, scored.lexical),
            cited=passage.key in self._numbers,
            language=article.language,
        )


def _rendered(draft: DraftSentence, numbers: dict[str, int]) -> str:
    """A sentence with the markers of these passages where they stood, a space before them, and no other marker."""
    text = words = ""
    for part in draft.parts:
        if isinstance(part, str):
            words += part
        elif markers := "".join(f"[{numbers[key]}]" for key in part if key in numbers):
            text += without_numbers(words)
            text += markers if text.endswith("]") or not text else f" {markers}"
            words = ""
    return (text + without_numbers(words)).strip()
