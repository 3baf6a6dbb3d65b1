"""Drafts of gold questions from users' feedback.

A draft has the question, the passages that were cited, and its provenance. It has no facts: a gold set with a draft is
invalid until a person writes what an answer must state, or that the question cannot be answered.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from eval.errors import GoldInvalid
from eval.gold import QUESTIONS, conversation, read_items
from eval.matching import without_markers
from eval.records import Evidence, GoldItem, Provenance, QuestionType, Turn
from service.feedback import FeedbackEntry
from service.readers.evidence import answer_type

PREFIX = "feedback"

_FIELDS = ("schema", "id", "type", "asked_at", "turns", "expect", "answer", "facts", "evidence", "provenance")

_ENTRY = TypeAdapter(FeedbackEntry)

_TYPES: Mapping[str | None, QuestionType] = {
    "when": "when",
    "number": "how_many",
    "why": "why",
    "where": "where",
    "who": "who",
    None: "what",
}


def make_drafts(entries: Iterable[FeedbackEntry], gold: Path | None = None) -> tuple[GoldItem, ...]:
    """Return a draft for each question in the feedback that the gold set does not ask yet."""
    existing = read_items(gold) if gold and any((gold / QUESTIONS).glob("*.jsonl")) else ()
    asked = {conversation(item.turns) for item in existing}
    number = max((int(item.id.rsplit("-", 1)[1]) for item in existing if item.id.startswith(f"{PREFIX}-")), default=0)
    grouped: dict[str, list[FeedbackEntry]] = {}
    for entry in entries:
        words = conversation(_turns(entry))
        if words not in asked:
            grouped.setdefault(words, []).append(entry)
    return tuple(_draft(f"{PREFIX}-{at:03}", group) for at, group in enumerate(grouped.values(), number + 1))


def to_lines(drafts: Iterable[GoldItem]) -> str:
    """Return the drafts as JSON Lines, with empty fields for a person to fill."""
    dumped = (draft.model_dump(mode="json", by_alias=True) for draft in drafts)
    lines = (json.dumps({name: fields[name] for name in _FIELDS}, ensure_ascii=False) for fields in dumped)
    return "".join(f"{line}\n" for line in lines)


def read_export(path: Path) -> list[FeedbackEntry]:
    """Read the output of `dateline feedback export`; raises GoldInvalid naming an invalid line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise GoldInvalid(f"{path} cannot be read: {error}", "Make it with `dateline feedback export`.") from error
    return [_entry(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _entry(path: Path, number: int, line: str) -> FeedbackEntry:
    try:
        return _ENTRY.validate_json(line)
    except ValidationError as error:
        raise GoldInvalid(f"{path.name}, line {number}, is not feedback: {error.errors()[0]['msg']}") from error


def _draft(id_: str, entries: Sequence[FeedbackEntry]) -> GoldItem:
    """Return one draft of all feedback on a question; an answer that was liked comes first."""
    ordered = sorted(entries, key=lambda entry: entry.feedback.vote != "up")
    first, turns = ordered[0], _turns(ordered[0])
    return GoldItem(
        schema_=1,
        id=id_,
        type="follow_up" if len(turns) > 1 else _TYPES[answer_type(first.feedback.question)],
        asked_at=min(entry.created_at for entry in entries),
        turns=turns,
        expect="answer",
        answer=without_markers(first.feedback.answer) if first.feedback.vote == "up" else "",
        evidence=_evidence(ordered),
        provenance=Provenance(made=f"feedback {' '.join(entry.id for entry in entries)}", checked=""),
    )


def _evidence(entries: Sequence[FeedbackEntry]) -> tuple[Evidence, ...]:
    """Return each cited passage once."""
    passages = dict.fromkeys(
        (cited.article_id, cited.cited_text) for entry in entries for cited in entry.feedback.citations
    )
    return tuple(Evidence(id=f"e{n}", article=article, quote=quote) for n, (article, quote) in enumerate(passages, 1))


def _turns(entry: FeedbackEntry) -> tuple[Turn, ...]:
    earlier = [Turn(role=message.role, content=message.content) for message in entry.feedback.messages]
    return (*earlier, Turn(role="user", content=entry.feedback.question))
