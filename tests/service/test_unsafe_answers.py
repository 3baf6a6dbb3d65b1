"""Unsafe text of a model is withheld in every mode; the same text from an article is shown."""

import asyncio
import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from index.embedding.local import LocalEmbedder
from index.records import Article
from service.answer import Answer
from service.build import build_pipeline
from service.records import CitationMode, Message, Question
from tests.fakes import built
from tests.samples import pipeline_of, settings_for
from tests.scripted_llm import Reply, ScriptedLLM
from tests.service.test_llm_answers import ALSO_TRUE, QUESTION, ask, only, reasons, reply

KEY = "sk-Test-0123-4567-abcd"

ADDED = {
    "link": f"{ALSO_TRUE} (see https://evil.example/login)",
    "host": f"{ALSO_TRUE} (see evil.example/login)",
    "image": f"{ALSO_TRUE} ![x](https://evil.example/p.png?q=secret)",
    "Markdown link": ALSO_TRUE.replace("Benedikt Orlo", "[Benedikt Orlo](https://evil.example)"),
    "HTML image": f"{ALSO_TRUE} <img src=//evil.example>",
    "HTML tag": f"<b>{ALSO_TRUE}</b>",
    "override": ALSO_TRUE.replace("retired", "\u202eretired\u202c"),
    "isolate": ALSO_TRUE.replace("retired", "\u2067retired\u2069"),
    "zero-width space": ALSO_TRUE.replace("retired", "re\u200btired"),
    "zero-width joiner": ALSO_TRUE.replace("retired", "re\u200dtired"),
    "tags": f"{ALSO_TRUE}\U000e0069\U000e0067\U000e006e",
    "soft hyphen": ALSO_TRUE.replace("retired", "re\u00adtired"),
    "control": ALSO_TRUE.replace("retired", "re\x08tired"),
    "separator": ALSO_TRUE.replace("retired ", "retired\u2028"),
    "key": f"{ALSO_TRUE}, {KEY}",
    "spaced key": ALSO_TRUE.replace("retired", " ".join(KEY)),
}


def answer_of(replies: list[object], data: Path, models: Path, question: Question) -> Answer:
    """Return the answer of a model with these texts, for a service with a key."""
    with ScriptedLLM(replies) as llm:  # type: ignore[arg-type]
        settings = settings_for(data, models, llm_model="scripted", openai_api_key=KEY, openai_base_url=llm.url)
        pipeline = pipeline_of(settings)
        with closing(pipeline.library):
            return asyncio.run(only(pipeline, question))


@pytest.mark.parametrize("mode", ["verified", "markers", "off"])
@pytest.mark.parametrize("sentence", ADDED.values(), ids=ADDED)
def test_an_unsafe_sentence_is_withheld(sample_data: Path, models: Path, sentence: str, mode: CitationMode) -> None:
    """A sentence with a link, markup, a hidden character or the key is withheld; the next one stands."""
    script = reply(sentence + " [{key}]. ", ALSO_TRUE + " [{key}].")
    answer = answer_of([script], sample_data, models, Question(QUESTION, citations=mode))

    assert answer.answer == ALSO_TRUE + ("." if mode == "off" else " [1].")
    assert len(answer.unsupported) == 1
    assert reasons(answer) == ["unsafe_text"]
    shown = json.dumps(asdict(answer), ensure_ascii=False, default=str)
    for hidden in ("evil", KEY, " ".join(KEY), "<b>", "\u202e", "\u2067", "\u200b", "\u200d", "\u00ad", "\U000e0069"):
        assert hidden not in shown


@pytest.mark.parametrize("rewritten", [f"How much do wages rise, {KEY}?", "How much do wages rise <img src=x>?"])
def test_an_unsafe_question_is_not_asked(sample_data: Path, models: Path, rewritten: str) -> None:
    """A follow-up with an unsafe rewrite is completed by rules, from what the user wrote."""
    question = Question("And the wages?", messages=(Message("user", "What ended the ferry strike?"),))
    answer = answer_of([Reply(pieces=[rewritten]), reply(ALSO_TRUE + " [{key}].")], sample_data, models, question)
    assert answer.retrieval.standalone_question == "And the wages (the ferry strike)?"
    assert KEY not in json.dumps(asdict(answer), default=str)


def test_a_long_withheld_sentence_is_cut(sample_data: Path, models: Path) -> None:
    """The reply has the beginning of a withheld sentence, and its complete length counts."""
    lie = "The union of deckhands won a rise of 19 percent, " * 20
    answer = ask(reply(ALSO_TRUE + " [{key}]. ", lie + " [{key}]."), sample_data, models)
    assert len(answer.unsupported[0].text) <= 300
    assert lie.startswith(answer.unsupported[0].text.rstrip("…"))
    assert answer.status_reason == "unsupported_withheld"


STORED = {
    "override": "The library of Brisk reopened on \u202e2 May 2026\u202c after a fire.",
    "link": "The library of Brisk reopened on 2 May 2026, as https://brisk.example/library says.",
    "zero-width space": "The library of Brisk re\u200bopened on 2 May 2026 after a fire.",
}


@pytest.mark.parametrize("body", STORED.values(), ids=STORED)
def test_articles_are_quoted_as_they_are(tmp_path: Path, models: Path, embedder: LocalEmbedder, body: str) -> None:
    """The extractive reader quotes the stored code points unchanged."""
    built(tmp_path, [Article("a", f"It rained in Galt.\n\n{body}\n\nMore follows.", "/a.txt")], embedder)
    pipeline = build_pipeline(settings_for(tmp_path, models), embedder)
    with closing(pipeline.library):
        answer = asyncio.run(pipeline.ask(Question("When was the library of Brisk opened again?")))
    assert body in [citation.cited_text for citation in answer.citations]
