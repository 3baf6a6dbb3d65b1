"""Prepare the training examples: questions, the chunks that our own retrieval finds for them, and the answer spans.

usage: python -m training.data --bench PATH --out PATH [--work PATH]

Each line of `train.jsonl` and `validation.jsonl` is one question with its chunks:

    {"set": "squad_v2_dev", "question": "…", "answerable": true,
     "chunks": [{"title": "…", "text": "…", "spans": [[12, 20], …]}, …]}

`spans` are code points of `text`; a chunk without a span does not hold the answer. Sources: the parts of SQuAD 1.1 and
2.0 that are not held out (CC BY-SA 4.0), and the three SquadShifts sets (CC BY 4.0 by their authors' dataset card).
Negatives are the chunks that hybrid retrieval ranks best over all training paragraphs. A chunk of another paragraph
that contains an answer as a string is left out, because it may answer the question.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import parser, workplace
from benchmarks.sets import SQUAD_1, SQUAD_2, Paragraph, QuestionSet, held_out
from benchmarks.trial import Trial, trial
from index.embedding.local import LocalEmbedder
from service.records import Passage

SHIFTS = ("train/squadshifts_wiki", "train/squadshifts_reddit", "train/squadshifts_amazon")
MOST_QUESTIONS = {SHIFTS[1]: 2_000, SHIFTS[2]: 2_000}
"""Reviews and comments are far from news, so fewer of them are used."""

VALIDATION_TITLES = 3
"""SQuAD articles of which no question is trained on."""

NEGATIVES = 6
RETRIEVED = 12
SEED = 20261127


@dataclass(frozen=True, slots=True)
class Example:
    """A question, its answers with their offsets in one paragraph, and the paragraph's id in the joined corpus."""

    set_name: str
    question: str
    answers: tuple[tuple[str, int], ...]
    paragraph: str
    answerable: bool
    title: str | None


def main() -> None:
    """Index the paragraphs, retrieve for each question, and write both files."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = options.parse_args()
    paragraphs, examples = read_sets(arguments.bench)
    titles = sorted({e.title for e in examples if e.set_name == SQUAD_2 and e.title})
    validation = set(random.Random(SEED).sample(titles, VALIDATION_TITLES))
    random.Random(SEED).shuffle(examples)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        workplace(arguments.work) as work,
        trial(paragraphs, LocalEmbedder(work / "models"), work) as index,
        (arguments.out / "train.jsonl").open("w", encoding="utf-8") as train,
        (arguments.out / "validation.jsonl").open("w", encoding="utf-8") as held,
    ):
        for example in examples:
            row = group(example, index)
            if row:
                file = held if example.title in validation else train
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_sets(bench: Path) -> tuple[list[Paragraph], list[Example]]:
    """Return all training paragraphs, equal texts once, and the questions about them."""
    held = held_out(bench)
    by_text: dict[str, Paragraph] = {}
    examples: list[Example] = []
    for name in (SQUAD_2, SQUAD_1, *SHIFTS):
        ids: dict[str, str] = {}
        corpus = QuestionSet.read(bench, name)
        titled = {paragraph.id: paragraph.title for paragraph in corpus.paragraphs}
        for paragraph in corpus.paragraphs:
            if paragraph.title not in held:
                shown = (paragraph.title or "").replace("_", " ") if name in (SQUAD_1, SQUAD_2, SHIFTS[0]) else ""
                first = by_text.setdefault(
                    paragraph.text, Paragraph(f"{name}/{paragraph.id}", shown or None, paragraph.text)
                )
                ids[paragraph.id] = first.id
        rows = [json.loads(line) for line in (bench / name / "queries.jsonl").open(encoding="utf-8")]
        rows = [row for row in rows if row["relevant"] and row["relevant"][0] in ids]
        most = MOST_QUESTIONS.get(name)
        if most:
            rows = random.Random(SEED).sample(rows, most)
        for row in rows:
            near = row["relevant"][0]
            answers = tuple(zip(row["answers"], row.get("starts") or [-1] * len(row["answers"]), strict=False))
            examples.append(
                Example(name, row["question"].strip(), answers, ids[near], bool(row["answerable"]), titled[near])
            )
    return list(by_text.values()), _once(examples)


def _once(examples: list[Example]) -> list[Example]:
    """Leave out a question that SQuAD 1.1 shares with 2.0."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for example in examples:
        key = (example.question.casefold(), example.paragraph)
        if key not in seen:
            seen.add(key)
            kept.append(example)
    return kept


def group(example: Example, index: Trial) -> dict[str, object] | None:
    """Return a question with its chunks, or None where the answer cannot be placed in a chunk."""
    found = index.retrieve(_Asked(example.question), count=RETRIEVED)  # type: ignore[arg-type]
    own = [passage for passage in found.passages if index.paragraph_id(passage.article.article_id) == example.paragraph]
    others = [passage for passage in found.passages if passage not in own]
    strings = [plain(answer) for answer, _ in example.answers]
    chunks = []
    for passage in own:
        spans = list(_spans(example, passage))
        chunks.append({"title": passage.article.title or "", "text": passage.chunk.text, "spans": spans})
    if example.answerable and not any(chunk["spans"] for chunk in chunks):
        return None
    if not own:
        return None
    for passage in others:
        text = plain(passage.chunk.text)
        if len(chunks) > NEGATIVES:
            break
        if not any(string and f" {string} " in f" {text} " for string in strings):
            chunks.append({"title": passage.article.title or "", "text": passage.chunk.text, "spans": []})
    return {
        "set": example.set_name,
        "question": example.question,
        "answerable": example.answerable,
        "chunks": chunks,
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str


def _spans(example: Example, passage: Passage) -> Iterator[list[int]]:
    """Yield the spans of the answers in the chunk: at their stated offsets, or else at each occurrence.

    An answer of up to three characters without an offset must occur once in the body.
    """
    if not example.answerable:
        return
    chunk, seen = passage.chunk, set()
    for answer, start in example.answers:
        body = passage.article.body
        at = start if start >= 0 and body[start : start + len(answer)] == answer else -1
        if at < 0 and body.count(answer) == 1:
            at = body.index(answer)
        if at < 0:
            places = [match.start() for match in re.finditer(re.escape(answer), body)] if len(answer) > 3 else []
        else:
            places = [at]
        for place in places:
            span = (place - chunk.start_char, place + len(answer) - chunk.start_char)
            if span[0] >= 0 and span[1] <= len(chunk.text) and answer.strip() and span not in seen:
                seen.add(span)
                yield list(span)


def plain(text: str) -> str:
    """Return the words of a text in small letters, with a space between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


if __name__ == "__main__":
    main()
