"""Answers of a scripted model in every style of models: citations, quotes, reasoning, wrappers, empty replies."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.answer import AnswerDelta
from service.citations.verify import Check, Verifier
from service.readers.llm import Draft
from service.records import CitationMode, DraftSentence, Passage, Question
from tests.scripted_llm import Raw, Reply, Request, ScriptedLLM, keys_in
from tests.service.test_llm_answers import (
    ALSO_TRUE,
    CONTEXT,
    QUESTION,
    TRUE,
    Script,
    ask,
    codes,
    hung_up,
    key_of,
    pipeline_with,
    reply,
)

WORDS = "wages rise by 4.2 percent on 1 March 2026"
THOUGHT = "Okay, the reader asks about wages. Wages rise by 99 percent [{key}]. I should answer."

CITED = {
    # Citations that have always been read.
    "in lenticular brackets": "{said}【{key}】.",
    "with a caret": "{said} [^{key}].",
    "two keys": "{said} [{key}, {other}].",
    "two brackets": "{said} [{key}][{other}].",
    "two brackets with quotes": '{said} [{key}: "{words}"][{other}: "{words}"].',
    "behind the stop": "{said}. [{key}]",
    "a bullet": "- {said} [{key}].",
    "a numbered item": "1. {said} [{key}].",
    "upper case": "{said} [{KEY}].",
    "plain": "{said} [{key}].",
    "with a quote": '{said} [{key}: "{words}"].',
    "quoted in curly marks": "{said} [{key} “{words}”].",
    "quoted behind the stop": '{said}. [{key}: "{words}"]',
    "double": "{said} [[{key}]].",
    "double with a quote": '{said} [[{key}: "{words}"]].',
    "bold": "{said} **[{key}]**.",
    "raised": "{said}<sup>[{key}]</sup>.",
    "raised without brackets": "{said}<sup>{key}</sup>.",
    "a link": "{said} [{key}](https://tarn.example/a).",
    "escaped": "{said} \\[{key}\\].",
    "wide": "{said}［{key}］.",
    "lenticular": "{said}【{key}†source】.",
    "lenticular with lines": "{said}【{key}†L1-L9】.",
    "round": "{said} ({key}).",
    "a named source": "{said} (Source: [{key}]).",
    "a document": "{said} [doc {key}].",
    "a range": "{said} [{key}-{key}].",
    "code": "{said} `[{key}]`.",
    "emphasis": "**{said}** [{key}].",
    "italics": "*{said}* [{key}].",
    "a footnote": "{said}[^{key}].\n\n[^{key}]: Sample desk, 3 February 2026",
    "JSON": '{{"answer": "{said} [{key}]."}}',
    "fenced JSON": '```json\n{{"response": "{said}.", "citations": ["{key}"]}}\n```',
    "JSON with quotes": '{{"sentences": [{{"text": "{said}.", "key": "{key}", "quote": "{words}"}}]}}',
    "thinking": "<think>" + THOUGHT + "</think>\n\n{said} [{key}].",
    "thinking aloud on one line": "<think>Okay.</think>{said} [{key}].",
    "another tag": "<thinking>\n" + THOUGHT + "\n</thinking>\n{said} [{key}].",
    "without an opening tag": THOUGHT + "\n</think>\n\n{said} [{key}].",
    "channels": "<|channel|>analysis<|message|>" + THOUGHT + "<|end|><|start|>assistant<|channel|>final<|message|>"
    "{said} [{key}].<|return|>",
}
"""The styles of models, all of one sentence; each is answered as `{said} [1].`: the other passage does not state it."""


def filled(style: str, key: str, other: str = "zz9q") -> str:
    """Return a reply in this style with these keys."""
    text = style.replace("{said}", TRUE).replace("{words}", WORDS).replace("{KEY}", key.upper())
    text = text.replace("{key}", key).replace("{other}", other)
    return text.replace("{{", "{").replace("}}", "}") if "{{" in style else text


def written(style: str, size: int = 7, **how: object) -> Script:
    """Return a reply in this style, in pieces of some characters."""

    def script(request: Request) -> Reply:
        key = key_of(request, CONTEXT)
        text = filled(style, key, next(other for other in keys_in(request) if other != key))
        return Reply([text[start : start + size] for start in range(0, len(text), size)], **how)  # type: ignore[arg-type]

    return script


@pytest.mark.parametrize("style", CITED)
@pytest.mark.parametrize("size", [1, 10_000])
def test_each_style_is_the_same_answer(sample_data: Path, models: Path, style: str, size: int) -> None:
    """A true sentence is answered with its marker, and nothing else is said, withheld or counted."""
    answer = ask(written(CITED[style], size), sample_data, models)

    assert answer.answer == f"{TRUE} [1]."
    assert (answer.status, answer.unsupported, codes(answer)) == ("answered", (), set())
    assert {citation.verification.status for citation in answer.citations} == {"verified"}


@settings(max_examples=200)
@given(style=st.sampled_from(sorted(CITED)), cuts=st.lists(st.integers(0, 600), max_size=40), one_by_one=st.booleans())
def test_each_style_is_the_same_draft_at_any_split(style: str, cuts: list[int], one_by_one: bool) -> None:
    """A reply in pieces, also of one character each, has the drafts of the complete one: a sentence and its keys."""
    text = filled(CITED[style], "k7f2", "m3p9")
    places = range(len(text) + 1) if one_by_one else sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})

    async def drafts(pieces: list[str]) -> list[DraftSentence]:
        draft = Draft(["k7f2", "m3p9"])
        found = [sentence for piece in pieces async for sentence in draft.feed(piece)]
        return found + [sentence async for sentence in draft.finish()]

    whole = asyncio.run(drafts([text]))
    assert asyncio.run(drafts([text[start:end] for start, end in pairwise(places)])) == whole
    said = [draft for draft in whole if draft.keys]
    assert [draft.text.rstrip(".") for draft in said] == [TRUE]
    assert said[0].keys == (("k7f2", "m3p9") if "{other}" in CITED[style] else ("k7f2",))


@pytest.mark.parametrize("before", ["<think>" + THOUGHT + "</think>\n", "<think>Hm.</think>", THOUGHT + "</think>\n"])
def test_a_sentinel_after_reasoning_abstains(sample_data: Path, models: Path, before: str) -> None:
    """An abstention after reasoning is one; nothing of the reasoning is listed."""
    answer = ask(written(before + "NOT_IN_SOURCES"), sample_data, models)

    assert (answer.status, answer.status_reason) == ("not_in_sources", "model_abstained")
    assert (answer.unsupported, codes(answer)) == ((), set())


REASONING_CONTENT = {"choices": [{"index": 0, "delta": {"reasoning_content": THOUGHT}, "finish_reason": None}]}
EMPTY: dict[str, Script] = {
    "no content": reply(),
    "white space": reply(" \n", "\n "),
    "reasoning content": reply(Raw(b"data: " + json.dumps(REASONING_CONTENT).encode() + b"\n\n")),
    "thoughts": written("<think>" + THOUGHT + "</think>"),
    "thoughts without an end": written("<think>" + THOUGHT),
    "an empty object": written("{{}}"),
    "an empty answer": written('{{"answer": null}}'),
    "eos": reply(finish="eos"),
}


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_reply_is_replaced_by_quotes(
    sample_data: Path, models: Path, empty: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reply without words is a failure of the model: the articles are quoted, a warning and one line say so."""
    answer = ask(EMPTY[empty], sample_data, models)

    assert answer.status in ("answered", "partial")
    assert codes(answer) == {"reader_empty", "answered_without_model"}
    assert answer.versions.reader == "extractive@2"
    assert answer.usage.llm_calls == 1
    assert len([record for record in caplog.records if "reader_empty" in record.getMessage()]) == 1


@pytest.mark.parametrize("finish", [None, "eos", "tool_calls"])
def test_a_whole_text_is_not_interrupted(sample_data: Path, models: Path, finish: str | None) -> None:
    """A reply whose text is whole is answered, whatever its server says at the end."""
    answer = ask(written(CITED["with a quote"], finish=finish), sample_data, models)

    assert (answer.status, codes(answer)) == ("answered", set())


@dataclass(frozen=True, slots=True)
class Recording(Verifier):
    """A verifier that keeps the drafts."""

    drafts: list[DraftSentence] = field(default_factory=list)

    def verify(self, draft: DraftSentence, passages: Mapping[str, Passage], mode: CitationMode) -> Check:
        self.drafts.append(draft)
        return Verifier.verify(self, draft, passages, mode)


@pytest.mark.parametrize("mode", ["verified", "markers", "off"])
@pytest.mark.parametrize("style", [name for name in CITED if "{words}" in CITED[name]])
def test_quotes_reach_the_verifier_and_no_reader(
    sample_data: Path, models: Path, style: str, mode: CitationMode
) -> None:
    """The verifier is given the words by key; no delta has more than the sentence."""

    async def collect(script: Script) -> tuple[list[str], list[DraftSentence]]:
        with ScriptedLLM(script) as llm, pipeline_with(llm, sample_data, models) as built:
            verifier = Recording(built.verifier.support, built.verifier.safety)
            pipeline = replace(built, verifier=verifier)
            events = [event async for event in pipeline.stream(Question(QUESTION, citations=mode))]
            await hung_up(pipeline)
        return [event.text for event in events if isinstance(event, AnswerDelta)], verifier.drafts

    deltas, (draft,) = asyncio.run(collect(written(CITED[style], 3)))
    assert draft.quotes == tuple((key, WORDS) for key in draft.keys)
    assert deltas == [f"{TRUE}." if mode == "off" else f"{TRUE} [1]."]


LIES = [
    "Under the agreement, wages rise by 7.2 percent on 1 March 2026",
    "Under the agreement, wages rise by 4.2 percent on 1 May 2026",
    "Under the agreement, wages fall by 99 percent",
    "The minister of justice has resigned over the affair",
    "Perrin Outhwaite says that wages rise by 4.2 percent on 1 March 2026",
]


@pytest.mark.parametrize("lie", LIES)
def test_a_true_quote_does_not_prove_another_sentence(sample_data: Path, models: Path, lie: str) -> None:
    """A saboteur that quotes truly and says something else is not verified."""
    answer = ask(written(f'{ALSO_TRUE} [{{key}}]. {lie} [{{key}}: "{{words}}"].'), sample_data, models)

    assert answer.answer.startswith(f"{ALSO_TRUE} [1].")
    assert [withheld.text for withheld in answer.unsupported] == [f"{lie}."]
