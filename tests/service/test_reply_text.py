"""Reply text: what of a model's reply answers, at any split of the stream."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.readers.reply import ReplyText, answering_text

CUTS = st.lists(st.integers(0, 2_000), max_size=40)
ANSWER = 'It rained [k7f2: "rain fell"].'
THOUGHT = "Okay, the user asks about rain. It says so in [k7f2]."

REASONING = {
    f"<think>{THOUGHT}</think>\n\n{ANSWER}": "think",
    f"<think>Okay.</think>{ANSWER}": "on one line",
    f"<thinking>{THOUGHT}\n{THOUGHT}</thinking>{ANSWER}": "thinking",
    f"<Reasoning>{THOUGHT}</Reasoning>\n<answer>{ANSWER}</answer>": "with an answer's tag",
    f'<reflection type="x">{THOUGHT}</reflection>{ANSWER}': "with an attribute",
    f"<think>{THOUGHT}</think>{ANSWER}<think>More.</think>": "twice",
    f"[THINK]{THOUGHT}[/THINK]{ANSWER}": "in square brackets",
    f"◁think▷{THOUGHT}◁/think▷{ANSWER}": "in triangles",
    f"<|START_THINKING|>{THOUGHT}<|END_THINKING|>{ANSWER}<|END_OF_TURN|>": "control tokens",
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
    f"<|message|>{ANSWER}<|return|>": "channels",
    f"<|start|>assistant<|channel|>commentary to=x<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
    f" <|constrain|>json<|message|>{ANSWER}": "channels with a recipient",
    f"analysis{THOUGHT}assistantfinal{ANSWER}": "channels without their tokens",
    f"{THOUGHT}\n</think>\n{ANSWER}": "without an opening tag",
    f"<|start|>assistant<|message|>{ANSWER}": "without a channel",
}
SILENT = ["", " \n ", f"<think>{THOUGHT}</think>", f"<think>{THOUGHT}", "<|channel|>analysis<|message|>Hm.<|end|>"]

MARKUP = {
    "**Bold** and *slanted* and ***both***.": "Bold and slanted and both.",
    "__Bold__ and _slanted_ words.": "Bold and slanted words.",
    "It **rained** [k7f2]. **It snowed.**": "It rained [k7f2]. It snowed.",
    "It rained **[k7f2]**.": "It rained [k7f2].",
    "It rained<sup>[k7f2]</sup>.": "It rained[k7f2].",
    "It rained <cite>k7f2</cite>.": "It rained [k7f2].",
    r"It rained \[k7f2\].": "It rained [k7f2].",
    "It rained `[k7f2]`.": "It rained [k7f2].",
    "```markdown\nIt rained.\n```": "\nIt rained.\n",
    "It rained[^k7f2].\n\n[^k7f2]: Sample desk, 4 May.\n": "It rained[^k7f2].\n\n",
    "> It rained.\n> It snowed.": "It rained.\nIt snowed.",
    "It <b>rained</b>.<br>": "It <b>rained</b>.<br>",
    "5 * 3 = 15, 5*3, 2**3, f*** and snake_case": "5 * 3 = 15, 5*3, 2**3, f*** and snake_case",
    "NOT_IN_SOURCES": "NOT_IN_SOURCES",
    r"NOT\_IN\_SOURCES": "NOT_IN_SOURCES",
    r"It cost 5\* crowns, \_not\_ `six`.": "It cost 5* crowns, _not_ six.",
    r"C:\temp and a < b > c": r"C:\temp and a < b > c",
    "* It rained.\n* It snowed.": "* It rained.\n* It snowed.",
}

JSON: dict[str, tuple[object, str]] = {
    "answer": ({"answer": ANSWER}, ANSWER),
    "response": ({"reasoning": THOUGHT, "response": ANSWER}, ANSWER),
    "nested": ({"result": {"text": ANSWER}}, ANSWER),
    "citations": (
        {"answer": "It rained. It snowed.", "citations": ["k7f2", "[m3p9]"]},
        "It rained. [k7f2][m3p9] It snowed. [k7f2][m3p9]",
    ),
    "sentences": (
        {"sentences": [{"text": "It rained.", "key": "k7f2", "quote": "rain"}, {"text": "It snowed.", "key": "m3p9"}]},
        'It rained. [k7f2: "rain"]\nIt snowed. [m3p9]',
    ),
    "list": ([{"sentence": "It rained.", "sources": [{"key": "k7f2", "quote": "rain"}]}], 'It rained. [k7f2: "rain"]'),
    "sentinel": ({"answer": "NOT_IN_SOURCES"}, "NOT_IN_SOURCES"),
    "nothing": ({"answer": ""}, ""),
}


def cut(text: str, cuts: list[int]) -> str:
    """Return the text that passes of a reply cut at these places."""
    reply = ReplyText()
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    return "".join(reply.feed(text[start:end]) for start, end in pairwise(places)) + reply.feed("", last=True)


@pytest.mark.parametrize("reply", REASONING, ids=REASONING.values())
@given(cuts=CUTS)
def test_reasoning_is_not_text(reply: str, cuts: list[int]) -> None:
    """Only the answer of a reply with reasoning passes."""
    assert cut(reply, cuts).strip() == ANSWER == answering_text(reply).strip()


@pytest.mark.parametrize("reply", SILENT)
@given(cuts=CUTS)
def test_reasoning_alone_is_no_text(reply: str, cuts: list[int]) -> None:
    """A reply of reasoning, or of white space, has no words."""
    assert cut(reply, cuts).strip() == ""


@pytest.mark.parametrize("reply", MARKUP)
@given(cuts=CUTS)
def test_markup_is_not_text(reply: str, cuts: list[int]) -> None:
    """Emphasis, code, escapes, tags of citations and footnotes go; other signs stay."""
    assert cut(reply, cuts) == MARKUP[reply] == cut(reply, list(range(len(reply))))


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("wrapped", ["{}", "```json\n{}\n```", "<think>Hm.</think>{}", " {}\n"])
@given(cuts=CUTS)
def test_a_reply_in_json_is_its_text(name: str, wrapped: str, cuts: list[int]) -> None:
    """A reply in JSON is its answer, with its citations as markers."""
    value, expected = JSON[name]
    for indent in (None, 2):
        assert cut(wrapped.format(json.dumps(value, indent=indent)), cuts) == expected


def test_json_that_is_cut_off_has_its_text_so_far() -> None:
    """The part of an answer that arrived is text."""
    assert cut('{"answer": "It rained [k7f2]. It sn', []) == "It rained [k7f2]. It sn"


@given(text=st.text(st.sampled_from('ab .\n*_`<>/[]\\^:|{}"supk7'), max_size=60), cuts=CUTS)
@example(text="<sup>k7</sup>", cuts=list(range(20)))
@example(text="\n[^k7]: b\nb", cuts=list(range(20)))
def test_cuts_do_not_change_the_text(text: str, cuts: list[int]) -> None:
    """The same text passes at any split."""
    assert cut(text, cuts) == cut(text, []) == cut(text, list(range(len(text))))


@given(text=st.text(st.characters(categories=["L", "N", "Zs"], include_characters=".,;:!?()'\"-\n"), max_size=80))
def test_plain_text_passes(text: str) -> None:
    """Text without markup passes unchanged."""
    assert cut(text, []) == text


def test_reasoning_without_a_tag_that_has_passed_is_noted() -> None:
    """A closing tag after the apparent beginning of an answer is noted."""
    reply = ReplyText()
    assert reply.feed("Der Nutzer fragt. ") == "Der Nutzer fragt. "
    before = reply.thoughts.was_reasoning
    assert (before, reply.feed(f"Gut.</think>{ANSWER}"), reply.thoughts.was_reasoning) == (False, ANSWER, True)
    reply = ReplyText(reasons_first=True)
    assert reply.feed("Der Nutzer fragt. ") + reply.feed(f"Gut.</think>{ANSWER}") == ANSWER


def test_an_answer_does_not_wait() -> None:
    """Text passes at once where nothing is undecided."""
    reply = ReplyText()
    assert reply.feed("The ferry sails *") == "The ferry sails "
    assert reply.feed("again* on") == "again on"
