"""A gold set of a few questions on a few invented articles, written into a folder of a test."""

import json
from pathlib import Path
from typing import Any

ARTICLES = {
    "lamp": "The lighthouse at Corran Point was lit again on 3 May 2025 after two years in the dark. Ines Vardal, the"
    " warden, said the new lamp cost 48,000 crowns. The old lamp will go to the museum in Tarn.",
    "bread": "Bakers in Tarn raised the price of a loaf by 30 pence in June 2025. The bakers blamed the poor harvest in"
    " the Aller valley. Olan Reve of the bakers' guild said no further rise was planned.",
    "race": "Mirel Dorn won the Aller valley bicycle race on 12 July 2025. She finished 41 seconds ahead of Sten Okar."
    " Rain had shortened the course to 96 kilometres.",
}
LAMP_QUOTE = "the new lamp cost 48,000 crowns"
BREAD_QUOTE = "The bakers blamed the poor harvest in the Aller valley."


def question(id_: str, type_: str, text: str, **more: object) -> dict[str, Any]:
    """Return a gold question as a line of a file."""
    return {
        "schema": 1,
        "id": id_,
        "type": type_,
        "turns": [{"role": "user", "content": text}],
        "expect": "answer",
        "provenance": {"made": "by hand", "checked": "2026-01-05"},
        **more,
    }


def with_fact(id_: str, type_: str, text: str, article: str, quote: str, match: dict[str, Any]) -> dict[str, Any]:
    """Make a gold question with one vital fact, which its quote states."""
    return question(
        id_,
        type_,
        text,
        answer=quote,
        facts=[{"id": "f1", "text": quote, "match": [match], "evidence": ["e1"]}],
        evidence=[{"id": "e1", "article": article, "quote": quote}],
    )


QUESTIONS: tuple[dict[str, Any], ...] = (
    with_fact("lamp-001", "how_many", "How much did the new lamp cost?", "lamp", LAMP_QUOTE, {"number": 48000}),
    with_fact(
        "bread-001", "why", "Why did bakers in Tarn raise the price of a loaf?", "bread", BREAD_QUOTE,
        {"text": ["poor harvest"]},
    ),
    question("moon-001", "unanswerable", "Who repaired the observatory dome in Brask?", expect="abstain"),
)  # fmt: skip


def write_gold(folder: Path, questions: tuple[dict[str, Any], ...] = QUESTIONS) -> Path:
    """Write a gold set with these questions and its articles; return the folder of the gold set."""
    articles, gold = folder / "articles", folder / "gold"
    articles.mkdir(parents=True)
    (gold / "questions").mkdir(parents=True)
    for name, body in ARTICLES.items():
        (articles / f"{name}.txt").write_text(body, encoding="utf-8")
    (gold / "manifest.json").write_text(json.dumps({"corpus": ["../articles"]}), encoding="utf-8")
    write_questions(gold, questions)
    return gold


def write_questions(gold: Path, questions: tuple[dict[str, Any], ...]) -> None:
    """Replace the questions."""
    lines = "".join(json.dumps(line) + "\n" for line in questions)
    (gold / "questions" / "all.jsonl").write_text(lines, encoding="utf-8")
