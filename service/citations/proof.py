"""Proof: whether a draft sentence may be shown, and the quotes that prove it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from index.records import Span
from service.citations.safety import Safety
from service.citations.support import SupportCheck
from service.records import CitationMode, DraftSentence, Passage, Quote


@dataclass(frozen=True, slots=True)
class Proof:
    """The quotes on which a sentence rests; `withheld` is why it must not be shown, None where it may."""

    quotes: tuple[Quote, ...] = ()
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves sentences against the passages they cite; safe to share between threads."""

    check: SupportCheck
    safety: Safety = field(default_factory=Safety)

    def prove(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Proof:
        """Check a sentence against its passages, by key.

        In mode `verified` a sentence without proof is withheld; in mode `markers` it is shown with its passages
        quoted whole and unverified; in mode `off` no support is looked for. In every mode a sentence with something
        unsafe that its quotes do not have is withheld.
        """
        proof = self._prove(draft, passages, mode)
        quoted = [quote.text for quote in proof.quotes]
        if proof.withheld:
            quoted = [passages[key].chunk.text for key in draft.keys if key in passages]
        return Proof(withheld="unsafe_text") if self.safety.is_unsafe(draft.text, "\n".join(quoted)) else proof

    def _prove(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Proof:
        if mode == "off":
            return Proof()
        if not draft.whole and mode == "verified":
            return Proof(withheld="too_long")
        cited = [passages[key] for key in draft.keys if key in passages]
        if not cited:
            return Proof(withheld=_unmarked(draft) if mode == "verified" else None)
        verdict = self.check.check(draft.text.strip(), cited)
        if verdict.status != "unverified":
            return Proof(verdict.quotes)
        if mode == "verified":
            return Proof(withheld=verdict.reason or "not_in_source")
        return Proof(tuple(_whole(passage, verdict.score) for passage in cited))


def _unmarked(draft: DraftSentence) -> str:
    return "invented_marker" if draft.invented else "no_marker"


def _whole(passage: Passage, score: float) -> Quote:
    chunk = passage.chunk
    return Quote(passage, Span(chunk.start_char, chunk.end_char), chunk.text, "unverified", "coverage", score)
