"""Verify a draft sentence: locate it in the passages that it cites, or check that they support it.

A complete sentence of a passage is verified as it is. Any other sentence is withheld if its passages lack one of its
numbers, dates or names. Then it is compared with the sentences that have the words which the model says it rests on,
and with the windows (one to three sentences) that cover it best. It is verified if a window has its wording, partial if
its wording differs, and withheld if the best window contradicts it, or its score is too low. The score is the mean of
the coverage of its content words and the similarity of the two. Thresholds and weights are data: `benchmarks/support`
has the labelled sentences.

A citation is always of whole sentences, also if the quote is a part of one: a reader can judge a sentence, and a part
of it may say the opposite.

Unsafe text is withheld: links, markup, invisible characters and secrets. Clients render Markdown and HTML, turn
addresses into links, and follow direction overrides, so a sentence may have these only if the text that it quotes has
them.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from index.embedding import Embedder
from index.markup import readable
from index.records import Span
from index.text import normal_form, sentence_spans
from service.citations.support import Claim, Window, candidates, ordinary_word, pattern_of, quoted, support_score
from service.citations.wording import Comparison
from service.records import CitationMode, DraftSentence, Method, Passage, Quote, Support

EXCERPT = 300
"""Code points of a withheld sentence that a reply repeats; nearly every sentence is shorter."""

SHORTEST_SECRET = 8
"""Characters of the shortest secret that is searched for: a shorter key may be a word of the news."""

_REMOVED = "…"
_LINK = re.compile(
    r"\w[:：][/／]{2}|\bwww\.|\]\(|<[a-z!/?]|\S@[\w-]+\.\w"
    # a host name, alone or with a path; not `Vane.He`, which lacks a space
    r"|(?<![\w.])(?-i:[^\W_][\w-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?![\w.]*\w))",
    re.IGNORECASE,
)
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
# Scripts that need joiners: Arabic and its neighbours, the scripts of India, Burmese, Khmer, Mongolian.
_JOINED = "\u0620-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011dff"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer: no visible space between words
_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
_ALLOWED = re.compile(
    rf"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    rf"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"
    rf"|(?<=[{_EMOJI}\ufe0f\U0001f3fb-\U0001f3ff])\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_EMOJI}0-9#*])[\ufe0e\ufe0f]"
    rf"|(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    r"|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
    r"|\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f"
)
# Invisible, though their category does not say so: fillers, a grapheme joiner, a blank, selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_HIDDEN_CATEGORIES = frozenset(["Cc", "Cf", "Co", "Cs"])
_WHITE_SPACE = frozenset("\t\n\r")
_TRIM = "\"'“”‘’«»()[]{}.,;:!?…*_"


@dataclass(frozen=True, slots=True)
class Safety:
    """A detector of unsafe text; `secrets` are keys that no reply may show."""

    secrets: tuple[str, ...] = ()

    def is_unsafe(self, text: str, quoted: str = "") -> bool:
        """Return whether a text has a link, markup, a hidden character or a secret that the quoted text lacks."""
        if any(_contains(text, secret) for secret in self.secrets):
            return True
        hidden, known = _hidden(text), quoted.casefold()
        for word in re.finditer(r"[^ \t\n\r]+", text):
            if any(hidden[word.start() : word.end()]) or _LINK.search(word.group()):
                bare = word.group().strip(_TRIM) or word.group()
                if bare.casefold() not in known:
                    return True
        # A resolver of addresses reads wide and styled letters as plain ones.
        plain = normal_form("NFKC", text)
        return bool(_LINK.search(plain)) and not _LINK.search(text)

    def excerpt(self, text: str) -> str:
        """Return the beginning of a withheld text, without anything unsafe."""
        visible = "".join(char for char, hidden in zip(text, _hidden(text), strict=True) if not hidden)
        shown = " ".join(_REMOVED if _LINK.search(word) else word for word in visible.split())
        if len(shown) > EXCERPT:
            shown = shown[: EXCERPT - 1].rstrip() + _REMOVED
        has_secret = any(_contains(text, secret) for secret in self.secrets)
        return _REMOVED if has_secret or self.is_unsafe(shown) else shown


def _contains(text: str, secret: str) -> bool:
    """Return whether a text has a secret, however its letters and digits are separated."""
    letters, wanted = ("".join(char for char in each.casefold() if char.isalnum()) for each in (text, secret))
    return len(wanted) >= SHORTEST_SECRET and wanted in letters


def _hidden(text: str) -> list[bool]:
    """Return for each character whether it is invisible or changes the direction without need of a script."""
    masked = _ALLOWED.sub(lambda found: "x" * len(found.group()), text)
    return [
        char not in _WHITE_SPACE
        and (unicodedata.category(char) in _HIDDEN_CATEGORIES or _INVISIBLE.match(char) is not None)
        for char in masked
    ]


COMPARED = 3
"""Windows compared by similarity, those with the best coverage."""

PREFERRED = 0.1
"""Score by which another window must be better than one that the model names."""

THRESHOLDS = Path(__file__).with_name("thresholds.json")

_REASONS = {"speaker": "speaker_differs", "date": "date_not_in_source"}
"""The differences that are reasons of their own."""

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-",
    "‑": "-", "−": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip

# A word or a number such as 9.30. Chinese, Japanese and Thai are written without spaces.
_WORD = re.compile(r"[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+(?:(?<=\d)[.,:]\d\w*)*")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The lowest score, in [0, 1], of a verified sentence, of a partial one, and of a partial one with a quote.

    A window contradicts a sentence if their differences, each times its weight, reach `contradicted`.
    """

    verified: float
    partial: float
    quoted: float
    contradicted: float
    weights: Mapping[str, float]

    @classmethod
    def read(cls, path: Path = THRESHOLDS) -> "Thresholds":
        """Read the thresholds that are shipped."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{each.name: data[each.name] for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class SupportSteps:
    """The steps of a check: a sentence is located, or its facts are looked for and its wording is compared.

    `lacks` is the reason if a fact is in no passage. `differences` are kinds with their weights, and `contradiction`
    their sum, None if a window has the wording of the sentence or none was compared.
    """

    is_located: bool = False
    lacks: str | None = None
    is_compared: bool = False
    differences: tuple[tuple[str, float], ...] = ()
    contradiction: float | None = None


@dataclass(frozen=True, slots=True)
class SupportResult:
    """The support of a sentence: status, score in [0, 1], quotes, and the reason if it is unverified.

    `steps` tells how the check came to it.
    """

    status: Support
    reason: str | None
    score: float
    quotes: tuple[Quote, ...] = ()
    steps: SupportSteps = field(default=SupportSteps(), compare=False)


@dataclass(frozen=True, slots=True)
class Check:
    """The quotes that support a sentence; `withheld` is the reason to leave it out, or None.

    `support` is None if the sentence was not compared with a passage.
    """

    quotes: tuple[Quote, ...] = ()
    withheld: str | None = None
    support: SupportResult | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier of draft sentences against the passages they cite; safe to share between threads."""

    support: "SupportCheck"
    safety: Safety = field(default_factory=Safety)

    def verify(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Check:
        """Check a sentence against its passages, by key.

        Mode `verified` withholds a sentence without support; mode `markers` shows it with each passage as an unverified
        quote; mode `off` searches for no support. Every mode withholds a sentence with something unsafe that its quotes
        do not have.
        """
        cited = [passages[key] for key in draft.keys if key in passages] if mode != "off" else []
        quotes: tuple[Quote, ...] = ()
        withheld: str | None = None
        result: SupportResult | None = None
        if mode == "verified" and not draft.complete:
            withheld = "too_long"
        elif cited:
            result = self.support.check(draft.text.strip(), cited, draft.quotes)
            if result.status != "unverified":
                quotes = tuple(replace(quote, highlight=_highlight(draft, quote)) for quote in result.quotes)
            elif mode == "verified":
                withheld = result.reason or "not_in_source"
            else:
                chunks = [(passage, Span(0, len(passage.chunk.text))) for passage in cited]
                quotes = tuple(_quote(*chunk, "unverified", "coverage", result.score) for chunk in chunks)
        elif mode == "verified":
            withheld = "invented_marker" if draft.invented else "no_marker"
        known = [passage.chunk.text for passage in cited] if withheld else [quote.text for quote in quotes]
        is_unsafe = self.safety.is_unsafe(draft.text, "\n".join(known))
        return Check((), "unsafe_text", result) if is_unsafe else Check(quotes, withheld, result)


class SupportCheck:
    """A check of sentences against the passages they cite; safe to share between threads."""

    def __init__(self, embedder: Embedder, thresholds: Thresholds) -> None:
        self._embedder = embedder
        self._thresholds = thresholds

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds that a check compares with."""
        return self._thresholds

    def check(
        self, sentence: str, passages: Sequence[Passage], quotes: Iterable[tuple[str, str]] = ()
    ) -> SupportResult:
        """Find the quotes in the passages that together support a sentence, given without its markers.

        `quotes` are pairs of a passage's key and the words on which the sentence is said to rest.
        """
        for passage in passages:
            quote = locate(sentence, passage)
            if quote is not None:
                return SupportResult("verified", None, quote.score, (quote,), SupportSteps(is_located=True))
        claim = Claim.of(sentence, ordinary_word(passages))
        absent = "not_in_source" if claim.is_empty else claim.absent(passages)
        if absent:
            return SupportResult("unverified", absent, 0.0, steps=SupportSteps(lacks=absent))
        return self._best(claim, quoted(passages, quotes), candidates(claim, passages))

    def _best(self, claim: Claim, named: Sequence[Window], found: Sequence[Window]) -> SupportResult:
        """Return the result for a window that says a claim, else for the best one, which may contradict it.

        A window that the model names is taken before one that is a little more like the claim.
        """
        said = [window for window in (*named, *found) if claim.is_said_by(window)][:COMPARED]
        compared = [*said, *named[:COMPARED], *found[:COMPARED]]
        if not compared:
            return SupportResult("unverified", "not_in_source", 0.0)
        scored = list(zip(self._scores(claim, compared), compared, strict=True))

        def preference(pair: tuple[float, Window]) -> float:
            return pair[0] + PREFERRED * (pair[1] in named)

        verified = [pair for pair in scored[: len(said)] if pair[0] >= self._thresholds.verified]
        score, best = max(verified or scored, key=preference)
        steps = SupportSteps(is_compared=True)
        if not verified:
            least = self._thresholds.quoted if named else self._thresholds.partial
            comparison = claim.compared_with(best)
            steps = self._steps(comparison)
            if score < least or comparison.contradiction(self._thresholds.weights) >= self._thresholds.contradicted:
                reasons = (_REASONS[kind] for kind in _REASONS if kind in comparison.differences)
                return SupportResult("unverified", next(reasons, "not_in_source"), score, steps=steps)
        status: Support = "verified" if verified else "partial"
        quotes = tuple(_quote(*span, status, "coverage", score) for span in best.spans)
        return SupportResult(status, None, score, quotes, steps)

    def _steps(self, comparison: Comparison) -> SupportSteps:
        """Return the steps of a sentence in another wording, with what differs and counts."""
        weights = self._thresholds.weights
        counted = [(kind, weights[kind]) for kind in comparison.differences if weights.get(kind)]
        return SupportSteps(
            is_compared=True,
            differences=tuple(sorted(counted)),
            contradiction=round(comparison.contradiction(weights), 3),
        )

    def _scores(self, claim: Claim, sound: Sequence[Window]) -> list[float]:
        vectors = self._embedder.embed_texts([claim.text, *(window.text for window in sound)])
        similarities = vectors[1:] @ vectors[0]
        return [
            support_score(claim.coverage(window), float(similarity))
            for window, similarity in zip(sound, similarities, strict=True)
        ]


def locate(sentence: str, passage: Passage) -> Quote | None:
    """Return the sentences of a passage that equal this one, exactly or apart from typography and markup.

    Typography is case, white space and punctuation; markup is removed by `readable`. A part of a sentence is never
    enough: it may say the opposite of the sentence.
    """
    text = passage.chunk.text
    wanted = {normalised(sentence), normalised(readable(sentence))} - {""}
    # An image or a rule next to a sentence is not part of its quote.
    spans = [span for span in sentence_spans(text) if normalised(readable(text[span.start : span.end]))]
    for first, begin in enumerate(spans):
        for end in spans[first : first + 3]:
            found = text[begin.start : end.end]
            if normalised(found) in wanted or normalised(readable(found)) in wanted:
                method: Method = "exact" if sentence.strip() == found else "normalised"
                return _quote(passage, Span(begin.start, end.end), "verified", method, 1.0)
    return None


def normalised(text: str) -> str:
    """Return the form in which sentences are compared: NFKC, plain quotes and dashes, one case, single spaces."""
    plain = normal_form("NFKC", text.translate(_PLAIN)).casefold()
    return re.sub(r"\s+", " ", plain).strip().rstrip(".!…").rstrip()


def _quote(passage: Passage, span: Span, status: Support, method: Method, score: float) -> Quote:
    """Return the quote at a span of a passage's chunk, in the offsets and words of the article."""
    start, end = passage.chunk.start_char + span.start, passage.chunk.start_char + span.end
    return Quote(passage, Span(start, end), passage.article.body[start:end], status, method, score)


def _highlight(draft: DraftSentence, quote: Quote) -> Span | None:
    """Return the place of the answer's words in a quote: as the reader states it, or where the model's words are.

    It grows to complete words. None if it is not known, not inside the quote, without a word, or all of its words.
    """
    begin = quote.span.start
    found = [draft.answer] if draft.answer else []
    for key, words in draft.quotes:
        pattern = pattern_of(words) if key == quote.passage.key else None
        if pattern and (match := pattern.search(quote.text)):
            found.append(Span(begin + match.start(), begin + match.end()))
    for start, end in found:
        if not begin <= start < end <= quote.span.end:
            continue
        first, last = start - begin, end - begin
        for word in _WORD.finditer(quote.text):
            first = word.start() if word.start() < first < word.end() else first
            last = word.end() if word.start() < last < word.end() else last
        inside, outside = quote.text[first:last], quote.text[:first] + quote.text[last:]
        if any(map(str.isalnum, inside)) and any(map(str.isalnum, outside)):
            return Span(begin + first, begin + last)
    return None
