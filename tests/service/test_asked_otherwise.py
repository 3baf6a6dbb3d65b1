"""Questions that name a thing in another form than the articles: asked of a small newspaper, end to end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.embedding.local import LocalEmbedder
from ingest.job import Ingest, run
from ingest.report import Progress
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.records import Question
from tests.samples import settings_for

ARTICLES = {
    "hall": """Wendle parish council rejected a new swimming hall on Monday by 31 votes to 12. The chair, Berit Oakes,
abstained.""",
    "caretaker": """“The tap was shut when I left, and no other person has a key,” said the caretaker Anouk
Thiérry-Møller of Pell school on Friday. About 14,250 litres of water leaked into the gymnasium.""",
    "repairs": """The diocese will repair the bells of Oster chapel. The work costs £3,480, a third of it for new
ropes.""",
    "bridge": """The drawbridge at Oster Quay closed on 9 May 2025 after a barge hit it. Lorries cross at Pell until
autumn.""",
    "band": """The brass band of Pell has named Tomasz Wrona as its conductor. He told the members: “We will play
outdoors again.” Rehearsals begin in the barn.""",
    "rain": "The orchards had too little rain in April. Growers expect fewer cherries than last year.",
}
PREFACE = """I have read this paper for thirty years. My aunt sold it at the station. We often talked about what was in
it. Yesterday it rained, so I stayed at home. I made soup. The radio was on all day. My cousin rang in the evening. He
never stops talking. He had heard something at the baker's. I did not believe him. We nearly fell out over it. His wife
agreed with me. She is a sensible woman. So I promised to look it up. I am no good at looking things up. My glasses are
broken as well. The dog has chewed them. He is still young. Please be patient with me. I am nearly done."""


@pytest.fixture(scope="module", params=[False, True], ids=["words", "spans"])
def newspaper(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, embedder: LocalEmbedder, models: Path
) -> Iterator[Pipeline]:
    """Return a pipeline without a language model on an index of the articles, with and without the span reader."""
    folder = tmp_path_factory.mktemp("asked-otherwise")
    for name, text in ARTICLES.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    run(Ingest((folder,), folder / "data", "english"), embedder, Progress(quiet=True))
    pipeline = build_pipeline(settings_for(folder / "data", models, span_reader=request.param), embedder)
    yield pipeline
    asyncio.run(pipeline.close())


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What did Anouk Thiérry-Møller say?", "no other person has a key"),
        ("What did Anouk Thierry-Moller say?", "no other person has a key"),
        ("what did anouk thierry moller say", "no other person has a key"),
        ("WHAT DID ANOUK THIERRY MOLLER SAY?", "no other person has a key"),
        ("What did the caretaker Anouk Thiérry-Møller say?", "no other person has a key"),
        ("Who is Anouk Thiérry-Møller?", "no other person has a key"),
        ("What did Tomasz Wrona say?", "outdoors again"),
        ("What did Wrona tell them?", "outdoors again"),
        ("Who is Tomasz Wrona?", "as its conductor"),
        ("Who is Berit Oakes?", "Berit Oakes"),
        ("14,250", "14,250 litres"),
        ("14250", "14,250 litres"),
        ("14 250 litres", "14,250 litres"),
        ("3480 pounds", "£3,480"),
        ("£3,480", "£3,480"),
        ("What happened on 9 May 2025?", "closed on 9 May"),
        ("What happened on May 9?", "closed on 9 May"),
        ("What happened on May 9th, 2025?", "closed on 9 May"),
    ],
)
def test_a_name_a_number_or_a_date_is_enough(newspaper: Pipeline, question: str, quoted: str) -> None:
    """A question with little else than a name is answered by the sentence that has it, however it is typed."""
    answer = asyncio.run(newspaper.ask(Question(question)))
    assert answer.status != "not_in_sources"
    assert quoted in answer.answer


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        (f"{PREFACE} My question is this: by how many votes did the council reject the swimming hall?", "31 votes"),
        (f"{PREFACE} By how many votes did Wendle reject the swimming hall?", "31 votes"),
        (f"{PREFACE} why did the drawbridge at oster quay close", "a barge hit it"),
        (f"What will the diocese repair? {PREFACE}", "the bells"),
        ("What will the diocese repair? Thank you very much. Kind regards, Wilhelmina Stokes", "the bells"),
        ("By how many vtoes did the cuoncil reject the swiming hall?", "31 votes"),
        ("Whne did the drawbrigde at Oster Quay close?", "9 May 2025"),
        ("WHY DID THE DRAWBRIGDE CLOSE?", "a barge hit it"),
        ("how many liters of watr leaked into the gymnasum", "14,250 litres"),
    ],
)
def test_a_preface_and_typing_errors_are_survived(newspaper: Pipeline, question: str, quoted: str) -> None:
    """The question is found among other sentences, and its words among those of the articles."""
    answer = asyncio.run(newspaper.ask(Question(question)))
    assert answer.status != "not_in_sources"
    assert quoted in answer.answer


@pytest.mark.parametrize(
    "question",
    [
        "What did Anouk Thierney say?",
        "what did anouk thierney say",
        "What did Tomasz Vrona say?",
        "Who is Berta Oakley?",
        "14,520",
        "What happened on 10 May 2023?",
        "What is the capital of France?",
        "How do I bake bread?",
        f"{PREFACE} My question is this: what did the pope say?",
    ],
)
def test_what_the_articles_do_not_name_is_not_answered(newspaper: Pipeline, question: str) -> None:
    """Another name, number or date is not taken for one that is there; an off-topic question stays one."""
    assert asyncio.run(newspaper.ask(Question(question))).status == "not_in_sources"


def test_the_reply_says_what_was_searched(newspaper: Pipeline) -> None:
    """`standalone_question` is the text that was searched, also of a search; the question is not changed elsewhere."""
    question = Question(f"{PREFACE} Whne did the drawbrigde at Oster Quay close?")
    searched = "When did the drawbridge at Oster Quay close?"
    assert asyncio.run(newspaper.ask(question)).retrieval.standalone_question == searched
    assert asyncio.run(newspaper.search(question)).retrieval.standalone_question == searched
