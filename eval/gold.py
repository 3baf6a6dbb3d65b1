"""The gold set: its questions, the corpus they are asked of, and the checks that a set must pass."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from eval.errors import GoldInvalid
from eval.matching import matches, normalised
from eval.records import GoldItem, Record
from index.records import Article
from ingest.load import LoadedArticle, find, load

MANIFEST = "manifest.json"
QUESTIONS = "questions"

LimitedMetric = Literal[
    "recall@5", "answer_in_context", "citation_recall", "citation_precision", "truthfulness", "false_answer",
    "must_not", "over_refusal",
]  # fmt: skip
"""The metrics for which a gold set may set its own floor or ceiling."""


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Questions ordered by id, their articles, the hashes of both, and the set's own floors and ceilings."""

    items: tuple[GoldItem, ...]
    articles: Mapping[str, Article]
    corpus_paths: tuple[Path, ...]
    gold_hash: str
    corpus_hash: str
    limits: Mapping[str, float] = field(default_factory=dict)


class GoldManifest(Record):
    """The manifest: the paths of the articles, the set's own limits, and the hashes of a frozen set."""

    name: str = "gold"
    corpus: tuple[str, ...]
    limits: dict[LimitedMetric, Annotated[float, Field(ge=-1, le=1)]] = Field(default_factory=dict)
    questions: int | None = None
    by_type: dict[str, int] = Field(default_factory=dict)
    gold_sha256: str | None = None
    corpus_sha256: str | None = None


def read_gold(folder: Path) -> GoldSet:
    """Read and check a gold set; raises GoldInvalid naming its faults.

    `corpus` in its `manifest.json` lists the paths of the articles, relative to the folder. The manifest of a frozen
    set has the SHA-256 of the questions and of the corpus.
    """
    manifest, gold = _read(folder)
    faults = [*_stale(manifest, gold), *faults_of(gold)]
    if faults:
        listed = "\n  ".join(faults[:20])
        more = f"\n  and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise GoldInvalid(
            f"the gold set in {folder} has {len(faults)} faults:\n  {listed}{more}",
            "Fix them, then run `dateline eval validate` again.",
        )
    return gold


def freeze_gold(folder: Path) -> None:
    """Write the hashes of questions and corpus to the manifest, so that a later change of either is a fault."""
    manifest, gold = _read(folder)
    by_type = dict(sorted(Counter(item.type for item in gold.items).items()))
    hashes = {"gold_sha256": gold.gold_hash, "corpus_sha256": gold.corpus_hash}
    frozen = manifest.model_copy(update={"questions": len(gold.items), "by_type": by_type, **hashes})
    (folder / MANIFEST).write_text(frozen.model_dump_json(indent=2) + "\n", encoding="utf-8")


def faults_of(gold: GoldSet) -> list[str]:
    """Return what is wrong with a gold set; each fault names its question."""
    ids = Counter(item.id for item in gold.items)
    asked = Counter(_asked(item) for item in gold.items)
    return [
        *(f"{id_}: the id is used {n} times" for id_, n in ids.items() if n > 1),
        *(f"{question!r} is asked {n} times" for question, n in asked.items() if n > 1),
        *(f"{item.id}: {fault}" for item in gold.items for fault in _faults(item, gold.articles)),
    ]


def _asked(item: GoldItem) -> str:
    """Return the conversation in one line, with the moment that it is limited to."""
    words = normalised(" / ".join(turn.content for turn in item.turns))
    return f"{words} (as of {item.as_of})" if item.as_of else words


def _faults(item: GoldItem, articles: Mapping[str, Article]) -> Iterator[str]:
    if item.turns[-1].role != "user":
        yield "its last turn is not the user's"
    if item.expect == "abstain":
        if item.facts or item.evidence:
            yield "expects abstention but has facts or evidence"
    elif not item.vital:
        yield "has no vital fact"
    copied = [article for group in item.copies for article in group]
    named = {
        *item.gold_articles, *item.near_miss, *item.poison, *(position.article for position in item.positions), *copied
    }  # fmt: skip
    for article in sorted(named - articles.keys()):
        yield f"names the article {article!r}, which is not in the corpus"
    if item.type == "comparison" and len(item.vital) < 2:
        yield "has the type comparison but not a vital fact for each side"
    if item.type == "copies" and not copied:
        yield "has the type copies but no group of copies"
    if len(copied) > len(set(copied)):
        yield "has an article in two groups of copies"
    yield from _evidence_faults(item, articles)
    yield from _matcher_faults(item)
    yield from _injection_faults(item, articles)


def _evidence_faults(item: GoldItem, articles: Mapping[str, Article]) -> Iterator[str]:
    ids = [evidence.id for evidence in item.evidence]
    for evidence in item.evidence:
        article = articles.get(evidence.article)
        found = article.body.count(evidence.quote) if article else 1
        if found != 1:
            yield f"{evidence.id}: its quote occurs {found} times in {evidence.article}, expected once"
    facts = {fact.id for fact in item.facts}
    for position in item.positions:
        if position.fact not in facts:
            yield f"the position of {position.article} names the fact {position.fact!r}, which does not exist"
    for names in (*(fact.evidence for fact in item.facts), *item.evidence_sets):
        for name in names:
            if name not in ids:
                yield f"names the evidence {name!r}, which does not exist"


def _matcher_faults(item: GoldItem) -> Iterator[str]:
    quotes = {evidence.id: evidence.quote for evidence in item.evidence}
    for fact in item.vital:
        evidence = " ".join(quotes[name] for name in fact.evidence if name in quotes)
        if not matches(fact.match, item.answer):
            yield f"{fact.id}: does not match the gold answer"
        if fact.evidence and not matches(fact.match, evidence):
            yield f"{fact.id}: does not match its evidence"
        if matches(fact.match, item.question):
            yield f"{fact.id}: matches the question itself"
    for forbidden in item.must_not:
        if matches(forbidden.match, item.answer):
            yield f"{forbidden.id}: matches the gold answer"


def _injection_faults(item: GoldItem, articles: Mapping[str, Article]) -> Iterator[str]:
    if item.type == "injection" and not (item.poison and item.canary):
        yield "has the type injection but no poisoned article or no canary"
    if item.canary is None:
        return
    canary = normalised(item.canary)
    if canary in normalised(item.answer):
        yield f"its canary {item.canary!r} is in the gold answer"
    for name in item.poison:
        if article := articles.get(name):
            # All text that a reader may see.
            shown = (article.title, article.source, *article.authors, article.section, *article.tags, article.body)
            if canary not in normalised(" ".join(filter(None, shown))):
                yield f"its canary {item.canary!r} is not in {name}"


def _read(folder: Path) -> tuple[GoldManifest, GoldSet]:
    """Return the manifest and the set, unchecked; raises GoldInvalid if a file cannot be read."""
    try:
        manifest = GoldManifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GoldInvalid(
            f"{folder / MANIFEST} cannot be used: {error}",
            'State where the articles are: {"corpus": ["../articles"]}.',
        ) from error
    paths = tuple((folder / path).resolve() for path in manifest.corpus)
    articles = _articles(paths)
    items = _items(folder / QUESTIONS)
    gold_hash = _sha256(item.model_dump_json(by_alias=True) for item in items)
    corpus_hash = _sha256(f"{name} {article.content_hash}" for name, article in sorted(articles.items()))
    limits = {str(metric): limit for metric, limit in manifest.limits.items()}
    return manifest, GoldSet(items, articles, paths, gold_hash, corpus_hash, limits)


def _stale(manifest: GoldManifest, gold: GoldSet) -> Iterator[str]:
    for name, stated, found in (
        ("gold_sha256", manifest.gold_sha256, gold.gold_hash),
        ("corpus_sha256", manifest.corpus_sha256, gold.corpus_hash),
    ):
        if stated not in (None, found):
            yield f"{name} is {found[:12]}, the manifest has {stated[:12]}; accept the change with `validate --freeze`"


def _items(folder: Path) -> tuple[GoldItem, ...]:
    """Return the questions of a folder ordered by id; raises GoldInvalid if there are none."""
    items = [
        _item(file, number, line)
        for file in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(file.read_text("utf-8").split("\n"), 1)
        if line.strip()
    ]
    if not items:
        raise GoldInvalid(f"{folder} has no questions", "Write one JSON object a line to a .jsonl file there.")
    return tuple(sorted(items, key=lambda item: item.id))


def _item(file: Path, number: int, line: str) -> GoldItem:
    try:
        return GoldItem.model_validate_json(line)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise GoldInvalid(f"{file.name}, line {number}: {where or 'the line'}: {fault['msg']}") from error


def _articles(paths: Sequence[Path]) -> dict[str, Article]:
    articles: dict[str, Article] = {}
    for item in chain.from_iterable(map(load, find(paths))):
        if not isinstance(item, LoadedArticle):
            raise GoldInvalid(f"the corpus has a rejected article, {item.origin}: {item.reason}")
        article = item.article
        other = articles.setdefault(article.article_id, article)
        if other is not article:
            raise GoldInvalid(f"{other.origin} and {article.origin} have the same article id {article.article_id!r}")
    return articles


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
