"""Is a generation whole? Run as `python -m index.verification FOLDER [CHROMA_URL]` in a process of its own.

A damaged HNSW file can end the process that opens it, so the ingest job lets a child look: whatever
kills the child is a failed check. The child prints what it found: a damage a line, and as JSON how well
Chroma searches.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.crowds import NEAR, in_crowds
from index.dense import undrained
from index.dense.server import ChromaServer
from index.embedding import are_unit
from index.errors import ChromaUnavailable, IndexDamaged, IndexMismatch
from index.generation import Generation, damaged_files, read_manifest
from index.records import fingerprint, indexed_text
from index.vector_cache import embedding_key

SAMPLE = 500
SEARCHES = 5000
PAIRS = 100_000_000
PAIRS_AT_ONCE = 10_000_000
SAMPLE_SEED = 20260101
TIMEOUT_S = 900
TOLERANCE = 1e-4
MISSES_ALLOWED = 0.002
EXACT_ROWS = 50_000
"""Rows that exact search goes through in less than 20 ms: up to here one miss of Chroma is one too many."""

_UNSEEN: dict[int, type[ChromaUnavailable | IndexMismatch]] = {11: ChromaUnavailable, 12: IndexMismatch}
"""Exit codes of a child that could not look, which says nothing of the generation."""


@dataclass(frozen=True, slots=True)
class Searches:
    """How well Chroma finds chunks of a generation, of so many `rows`, by their own vectors.

    Of those `asked` for, `missed` were not found, `hidden` not even a chunk that is nearly as near, and `crowded` have
    more nearly equal ones than Chroma looks at in a search. HNSW cannot reach every row beside such a crowd, as tables,
    logs and lists make (chroma-core/chroma#3113): the generation is not damaged, but has to be searched exactly.
    """

    rows: int = 0
    asked: int = 0
    missed: int = 0
    hidden: int = 0
    crowded: int = 0

    @property
    def too_many_missed(self) -> bool:
        """Whether more were missed than any approximate search may miss."""
        return self.missed > MISSES_ALLOWED * self.asked

    @property
    def exact_is_better(self) -> bool:
        """Whether questions are to be answered by exact search."""
        return self.too_many_missed or (self.rows <= EXACT_ROWS and self.hidden + self.crowded > 0)

    def __str__(self) -> str:
        return f"{self.missed} of {self.asked} chunks do not find themselves"


@dataclass(slots=True)
class Verdict:
    """The findings of a verification: what is wrong with the files, and how well Chroma searches in them."""

    damages: list[str] = field(default_factory=list)
    searches: Searches = field(default_factory=Searches)


def damages(folder: Path, server: ChromaServer | None = None) -> list[str]:
    """Return what is wrong with a published generation; empty if it is valid. Raises as verify() does."""
    verdict = verify(folder, server)
    return [*verdict.damages, *([str(verdict.searches)] if verdict.searches.too_many_missed else [])]


def verify(folder: Path, server: ChromaServer | None = None) -> Verdict:
    """Look at a generation in a child process.

    Raises ChromaUnavailable or IndexMismatch where its vectors are with a server that is away, or is not named.
    """
    command = [sys.executable, "-m", "index.verification", str(folder.absolute()), *([server.url] if server else [])]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return Verdict([f"verification did not end within {TIMEOUT_S} s"])
    if child.returncode in _UNSEEN:
        raise _UNSEEN[child.returncode](child.stderr.strip())
    found = Verdict()
    # Text after the last line end was cut off when the child ended.
    for line in child.stdout.split("\n")[:-1]:
        if line.startswith("{"):
            found.searches = Searches(**json.loads(line))
        else:
            found.damages.append(line)
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        found.damages.append(f"verification ended with {child.returncode}: {last[0]}")
    return found


def main() -> int:
    """Print each finding on the generation named on the command line."""
    try:
        server = ChromaServer(sys.argv[2]) if len(sys.argv) > 2 else None
        for finding in _findings(Path(sys.argv[1]), server):
            # At once: what ends this process next does not take back what it found.
            sys.stdout.write(f"{finding if isinstance(finding, str) else json.dumps(asdict(finding))}\n")
            sys.stdout.flush()
    except (ChromaUnavailable, IndexMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return next(code for code, kind in _UNSEEN.items() if isinstance(error, kind))
    return 0


def look(folder: Path, server: ChromaServer | None = None) -> Iterator[str]:
    """What is wrong with a generation, seen by this process, which a damaged HNSW file may end.

    Raises ChromaUnavailable or IndexMismatch where its vectors are with a server that is away, or is not named.
    """
    for finding in _findings(folder, server):
        if isinstance(finding, str) or finding.too_many_missed:
            yield str(finding)


def _findings(folder: Path, server: ChromaServer | None) -> Iterator[str | Searches]:
    try:
        yield from damaged_files(folder, read_manifest(folder))
        # A changed file is opened all the same: what it has lost says more than that it has changed.
        generation = Generation(folder, server, checked=False)
    except IndexDamaged as error:
        yield error.args[0]
        return
    try:
        yield from _wrong_configuration(generation)
        differing = generation.differing_counts()
        if differing:
            # Rows no longer mean the same in each part; what Chroma lacks can still be told.
            yield differing
            yield from _wrong_vectors(generation)
            return
        yield from _wrong_catalog(generation)
        wrong = list(_wrong_vectors(generation))
        yield from wrong
        yield from _wrong_lexical(generation)
        if not wrong and generation.manifest.search == "chroma":
            yield _searches(generation)
    finally:
        generation.close()


def _wrong_configuration(generation: Generation) -> Iterator[str]:
    space = generation.dense.configuration.get("space")
    if space != "cosine":
        yield f"chroma measures {space!r}, expected 'cosine'"
    stated, held = generation.manifest.configuration.dimension, generation.dense.vectors.shape[1]
    if stated != held:
        yield f"the manifest states dimension {stated}, vectors.npy holds {held}"
    waiting = undrained(generation.folder)
    if waiting:
        yield f"{waiting} rows wait in chroma's queue, expected none"
    language = generation.lexical.terms.language
    if language != generation.manifest.configuration.language:
        yield f"the lexical index is {language}, the manifest states {generation.manifest.configuration.language}"


def _wrong_catalog(generation: Generation) -> Iterator[str]:
    catalog, manifest = generation.catalog, generation.manifest
    hashes = catalog.hashes()
    if len(hashes) != manifest.article_count:
        yield f"the catalogue holds {len(hashes)} articles, the manifest states {manifest.article_count}"
    elif fingerprint(hashes.items(), manifest.configuration) != manifest.fingerprint:
        yield "the catalogue holds other articles than the fingerprint of the manifest says, or they are made otherwise"
    changed = [
        article.article_id for article in catalog.every_article() if article.content_hash != hashes[article.article_id]
    ]
    if changed:
        yield f"{len(changed)} articles are not as they were taken in, the first is {changed[0]}"
    sample = sorted(int(row) for row in _sample(catalog.chunk_count))
    keys = catalog.keys_of(sample)
    for row, (chunk, article) in zip(sample, catalog.chunks(sample), strict=True):
        if keys[row] != embedding_key(indexed_text(article.title, chunk.text)):
            yield f"row {row} of the catalogue holds another text than was embedded, in {article.article_id}"
            return


def _wrong_vectors(generation: Generation) -> Iterator[str]:
    vectors = generation.dense.vectors
    broken = np.flatnonzero(~are_unit(vectors))
    if len(broken):
        yield f"{len(broken)} vectors are not finite unit vectors, the first in row {broken[0]}"
    seen = np.zeros(len(vectors), dtype=bool)
    for rows, stored in generation.dense.stored():
        if rows.max(initial=-1) >= len(vectors) or rows.min(initial=0) < 0:
            yield "chroma holds a row that the catalogue does not know"
            return
        seen[rows] = True
        differing = rows[np.abs(stored - vectors[rows]).max(axis=1, initial=0) > TOLERANCE]
        if len(differing):
            yield f"{len(differing)} vectors in chroma differ from vectors.npy, the first in row {differing[0]}"
    if not seen.all():
        yield f"{int((~seen).sum())} rows have no vector in chroma, the first is row {np.argmin(seen)}"


def _wrong_lexical(generation: Generation) -> Iterator[str]:
    lexical = generation.lexical
    wrong = np.flatnonzero(lexical.row_postings() != lexical.distinct_terms)
    if len(wrong):
        yield f"{len(wrong)} rows of the lexical index do not hold their terms, the first is row {wrong[0]}"
    sample = sorted(int(row) for row in _sample(lexical.row_count))
    for row, (chunk, article) in zip(sample, generation.catalog.chunks(sample), strict=True):
        expected = len(set(lexical.terms.of(indexed_text(article.title, chunk.text))))
        if expected != lexical.distinct_terms[row]:
            yield f"row {row} of the lexical index holds other terms than its chunk {chunk.chunk_id}"
            return


def _searches(generation: Generation) -> Searches:
    dense = generation.dense
    rows = len(dense.vectors)
    sample = _sample(rows, max(SAMPLE, min(SEARCHES, PAIRS // max(rows, 1))))
    step = max(1, PAIRS_AT_ONCE // max(rows, 1))
    missed = hidden = crowded = 0
    for start in range(0, len(sample), step):
        asked = np.array(dense.vectors[sample[start : start + step]])
        scores = asked @ dense.vectors.T
        found = [row[near].max(initial=-1) for row, near in zip(scores, dense.nearest_each(asked, 5), strict=True)]
        # Two chunks of the same words have the same vector: finding either is finding it.
        loss = scores.max(axis=1) - np.array(found)
        missed += int((loss > TOLERANCE).sum())
        hidden += int((loss > 1 - NEAR).sum())
        crowded += int(in_crowds(scores).sum())
    return Searches(rows, len(sample), missed, hidden, crowded)


def _sample(count: int, size: int = SAMPLE) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:size]


if __name__ == "__main__":
    sys.exit(main())
