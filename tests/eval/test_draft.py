"""Drafts: feedback becomes gold questions that are invalid until a person completes them."""

import json
from pathlib import Path

import pytest

from eval.draft import make_drafts, read_export, to_lines
from eval.errors import GoldInvalid
from eval.gold import read_gold
from eval.records import GoldItem
from service.answer import to_json
from service.feedback import CitedWords, Feedback, FeedbackEntry, Vote
from service.records import Message
from tests.eval.small_gold import LAMP_QUOTE, QUESTIONS, write_gold

QUESTION = "How much money went into the lamp?"


def entry(
    id_: str,
    question: str = QUESTION,
    vote: Vote = "down",
    cited: tuple[CitedWords, ...] = (),
    messages: tuple[Message, ...] = (),
) -> FeedbackEntry:
    answer = "The new lamp cost 48,000 crowns [1]."
    given = Feedback("ans_1", question, answer, vote, cited, ("other",), "a comment", messages)
    return FeedbackEntry(id_, "2026-01-05T10:00:00Z", given)


def lines_of(drafts: tuple[GoldItem, ...]) -> list[dict[str, object]]:
    return [json.loads(line) for line in to_lines(drafts).splitlines()]


def test_a_draft_has_what_was_asked_and_cited() -> None:
    """A draft has question, day, type, cited words and provenance; a disliked answer is left out."""
    (draft,) = lines_of(make_drafts([entry("fb_1", cited=(CitedWords("lamp", LAMP_QUOTE),))]))

    assert draft == {
        "schema": 1,
        "id": "feedback-001",
        "type": "how_many",
        "asked_at": "2026-01-05T10:00:00Z",
        "turns": [{"role": "user", "content": QUESTION}],
        "expect": "answer",
        "answer": "",
        "facts": [],
        "evidence": [{"id": "e1", "article": "lamp", "quote": LAMP_QUOTE}],
        "provenance": {"made": "feedback fb_1", "checked": ""},
    }


def test_a_comment_stays_out_of_a_draft() -> None:
    """A draft does not contain comments, which may have personal data."""
    assert "a comment" not in to_lines(make_drafts([entry("fb_1")]))


def test_feedback_on_one_question_is_one_draft() -> None:
    """A liked answer becomes the gold answer without its markers; each quote counts once."""
    cited = CitedWords("lamp", LAMP_QUOTE)
    entries = [
        entry("fb_1", cited=(cited,)),
        entry("fb_2", f"  {QUESTION.upper()} ", "up", (CitedWords("bread", "the poor harvest"), cited)),
    ]

    (draft,) = make_drafts(entries)

    assert draft.answer == "The new lamp cost 48,000 crowns."
    assert [evidence.article for evidence in draft.evidence] == ["bread", "lamp"]
    assert draft.provenance.made == "feedback fb_1 fb_2"


def test_a_conversation_becomes_a_follow_up() -> None:
    """Earlier turns are kept, and the same words after other turns are another question."""
    before = (Message("user", "What was lit again?"), Message("assistant", "The lighthouse."))
    drafts = make_drafts([entry("fb_1", messages=before), entry("fb_2")])

    assert [draft.type for draft in drafts] == ["follow_up", "how_many"]
    assert [turn.role for turn in drafts[0].turns] == ["user", "assistant", "user"]


def test_a_gold_set_with_a_draft_is_refused_until_it_is_finished(tmp_path: Path) -> None:
    """Validation names the draft; with an answer and a fact it is valid."""
    gold = write_gold(tmp_path)
    drafts = make_drafts([entry("fb_1", cited=(CitedWords("lamp", LAMP_QUOTE),))], gold)
    file = gold / "questions" / "feedback.jsonl"
    file.write_text(to_lines(drafts), encoding="utf-8")

    with pytest.raises(GoldInvalid, match="feedback-001: has no vital fact"):
        read_gold(gold)

    (line,) = lines_of(drafts)
    fact = {"id": "f1", "text": LAMP_QUOTE, "match": [{"number": 48000}], "evidence": ["e1"]}
    file.write_text(json.dumps({**line, "answer": "48,000 crowns", "facts": [fact]}), encoding="utf-8")
    assert "feedback-001" in {item.id for item in read_gold(gold).items}


def test_what_the_gold_set_asks_is_not_drafted_again(tmp_path: Path) -> None:
    """Known questions and drafts are not repeated, and new ids continue after the last."""
    gold = write_gold(tmp_path)
    (gold / "questions" / "feedback.jsonl").write_text(to_lines(make_drafts([entry("fb_1")])), encoding="utf-8")
    asked = str(QUESTIONS[0]["turns"][0]["content"])

    drafts = make_drafts([entry("fb_1"), entry("fb_2", asked), entry("fb_3", "Who lit the lamp?")], gold)

    assert [(draft.id, draft.type) for draft in drafts] == [("feedback-002", "who")]


def test_an_export_is_read_whole(tmp_path: Path) -> None:
    """The output of the command gives the same entries, Unicode line separators included."""
    entries = [entry("fb_1", "Why\u2028so?"), entry("fb_2")]
    file = tmp_path / "feedback.jsonl"
    file.write_text("".join(f"{to_json(each)}\n" for each in entries), encoding="utf-8")

    assert read_export(file) == entries


@pytest.mark.parametrize(("text", "where"), [("no json", "line 1"), ('\n{"id": "fb_1"}', "line 2")])
def test_an_export_that_is_none_is_refused_by_its_line(tmp_path: Path, text: str, where: str) -> None:
    """The error names the file and the line."""
    (tmp_path / "feedback.jsonl").write_text(text, encoding="utf-8")

    with pytest.raises(GoldInvalid, match=rf"feedback\.jsonl, {where}"):
        read_export(tmp_path / "feedback.jsonl")
