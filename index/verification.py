"""Verify a generation: `python -m index.verification FOLDER [CHROMA_URL]`, in a child process.

A corrupt HNSW file can end the process that opens it, so verification runs in a child, and a child that ends early is a
failed check. The child prints one fault per line, and as JSON how well Chroma searches.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.dense import EF_SEARCH, undrained
from index.dense.server import ChromaServer
from index.embedding import Matrix, are_unit
from index.errors import ChromaUnavailable, IndexDamaged, IndexMismatch
from index.generation import Generation, file_faults, read_manifest
from index.layout import CATALOG, VECTORS
from index.records import Article, fingerprint, indexed_text
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
"""Rows that an exact search reads in less than 20 ms: up to here, a single miss of Chroma is too many."""

NEAR = 0.9
"""Cosine from which chunks are near-duplicates, such as lines of a log or table; two news reports stay below."""

_NEAR_SAMPLE = 1000
_NEAR_PAGE = 100

_NOT_VERIFIED: dict[int, type[ChromaUnavailable | IndexMismatch]] = {11: ChromaUnavailable, 12: IndexMismatch}
"""Exit codes of a child that could not verify the generation, which says nothing about it."""


@dataclass(frozen=True, slots=True)
class Searches:
    """The rate at which Chroma finds chunks of a generation by their own vectors.

    Of the `asked` chunks among all `rows`, `missed` were not found, `hidden` not even by a near-duplicate, and
    `crowded` have more near-duplicates than Chroma examines in a search. HNSW cannot reach every row beside such a
    crowd, as tables, logs and lists make (chroma-core/chroma#3113): the generation is not corrupt, but needs exact
    search.
    """

    rows: int = 0
    asked: int = 0
    missed: int = 0
    hidden: int = 0
    crowded: int = 0

    @property
    def too_many_missed(self) -> bool:
        """Return whether more chunks were missed than an approximate search may miss."""
        return self.missed > MISSES_ALLOWED * self.asked

    @property
    def exact_is_better(self) -> bool:
        """Return whether the generation needs exact search."""
        return self.too_many_missed or (self.rows <= EXACT_ROWS and self.hidden + self.crowded > 0)

    def __str__(self) -> str:
        return f"{self.missed} of {self.asked} chunks do not find themselves"


@dataclass(slots=True)
class VerificationResult:
    """The result of a verification: the faults of a generation, and how well Chroma searches it."""

    faults: list[str] = field(default_factory=list)
    searches: Searches = field(default_factory=Searches)


def faults_of(folder: Path, server: ChromaServer | None = None) -> list[str]:
    """Return the faults of a published generation; empty if it is valid. Raises as verify() does."""
    result = verify(folder, server)
    return [*result.faults, *([str(result.searches)] if result.searches.too_many_missed else [])]


def verify(folder: Path, server: ChromaServer | None = None) -> VerificationResult:
    """Verify a generation in a child process.

    Raises ChromaUnavailable if the server with its vectors does not answer, IndexMismatch if the server is not set.
    """
    command = [sys.executable, "-m", "index.verification", str(folder.absolute()), *([server.url] if server else [])]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return VerificationResult([f"verification did not end within {TIMEOUT_S} s"])
    if child.returncode in _NOT_VERIFIED:
        raise _NOT_VERIFIED[child.returncode](child.stderr.strip())
    found = VerificationResult()
    # Text after the last line end is incomplete.
    for line in child.stdout.split("\n")[:-1]:
        if line.startswith("{"):
            found.searches = Searches(**json.loads(line))
        else:
            found.faults.append(line)
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        found.faults.append(f"verification ended with {child.returncode}: {last[0]}")
    return found


def articles_with_near_duplicates(folder: Path) -> list[Article]:
    """Return the articles with chunks that have many near-duplicates, those with most of them first.

    Only a sample of the rows is examined, so an article with few of them may be missed.
    """
    vectors = np.load(folder / VECTORS, mmap_mode="r")
    sample = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_NEAR_SAMPLE])
    crowded: list[int] = []
    for start in range(0, len(sample), _NEAR_PAGE):
        rows = sample[start : start + _NEAR_PAGE]
        crowded += rows[_have_many_near_duplicates(vectors[rows] @ vectors.T)].tolist()
    with closing(Catalog(folder / CATALOG)) as catalog:
        found = [article for _, article in catalog.chunks(crowded)]
    counts = Counter(article.article_id for article in found)
    articles = {article.article_id: article for article in found}
    return [articles[article_id] for article_id, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def main() -> int:
    """Print each finding about the generation named on the command line."""
    try:
        server = ChromaServer(sys.argv[2]) if len(sys.argv) > 2 else None
        for finding in findings(Path(sys.argv[1]), server):
            # Flushed, so that the finding survives the end of this process.
            sys.stdout.write(f"{finding if isinstance(finding, str) else json.dumps(asdict(finding))}\n")
            sys.stdout.flush()
    except (ChromaUnavailable, IndexMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return next(code for code, kind in _NOT_VERIFIED.items() if isinstance(error, kind))
    return 0


def findings(folder: Path, server: ChromaServer | None) -> Iterator[str | Searches]:
    """Yield each damage of a generation, verified in this process, which a corrupt HNSW file may end.

    Raises as verify() does.
    """
    try:
        yield from file_faults(folder, read_manifest(folder))
        # A changed file is opened as well: its lost contents say more than the change.
        generation = Generation(folder, server, checked=False)
    except IndexDamaged as error:
        yield error.args[0]
        return
    with closing(generation):
        yield from _wrong_configuration(generation)
        differing = generation.differing_counts()
        if differing:
            # The rows of the parts no longer correspond; only Chroma can still be compared with the vectors.
            yield differing
            yield from _wrong_vectors(generation)
            return
        yield from _wrong_catalog(generation)
        wrong = list(_wrong_vectors(generation))
        yield from wrong
        yield from _wrong_lexical(generation)
        if not wrong and generation.manifest.search == "chroma":
            yield _searches(generation)


def _wrong_configuration(generation: Generation) -> Iterator[str]:
    space = generation.dense.configuration.get("space")
    if space != "cosine":
        yield f"chroma measures {space!r}, expected 'cosine'"
    differing = generation.differing_dimension()
    if differing:
        yield differing
    waiting = undrained(generation.folder)
    if waiting:
        yield f"{waiting} rows wait in chroma's queue, expected 0"
    language = generation.lexical.terms.language
    if language != generation.manifest.configuration.language:
        yield f"the lexical index is {language}, the manifest states {generation.manifest.configuration.language}"


def _wrong_catalog(generation: Generation) -> Iterator[str]:
    catalog, manifest = generation.catalog, generation.manifest
    hashes = catalog.hashes()
    if len(hashes) != manifest.article_count:
        yield f"the catalogue has {len(hashes)} articles, the manifest states {manifest.article_count}"
    elif fingerprint(hashes.items(), manifest.configuration) != manifest.fingerprint:
        yield "the catalogue does not match the manifest's fingerprint"
    changed = [
        article.article_id for article in catalog.every_article() if article.content_hash != hashes[article.article_id]
    ]
    if changed:
        yield f"{len(changed)} articles do not match their content hash, the first is {changed[0]}"
    sample = sorted(int(row) for row in _sample(catalog.chunk_count))
    keys = catalog.keys_of(sample)
    for row, (chunk, article) in zip(sample, catalog.chunks(sample), strict=True):
        if keys[row] != embedding_key(indexed_text(article.title, chunk.text)):
            yield f"row {row} of the catalogue has another text than was embedded, in {article.article_id}"
            return


def _wrong_vectors(generation: Generation) -> Iterator[str]:
    vectors = generation.dense.vectors
    invalid = np.flatnonzero(~are_unit(vectors))
    if len(invalid):
        yield f"{len(invalid)} vectors are not finite unit vectors, the first in row {invalid[0]}"
    seen = np.zeros(len(vectors), dtype=bool)
    for rows, stored in generation.dense.stored():
        if rows.max(initial=-1) >= len(vectors) or rows.min(initial=0) < 0:
            yield "chroma has a row that is not in the catalogue"
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
        yield f"{len(wrong)} rows of the lexical index lack terms, the first is row {wrong[0]}"
    sample = sorted(int(row) for row in _sample(lexical.row_count))
    for row, (chunk, article) in zip(sample, generation.catalog.chunks(sample), strict=True):
        expected = len(set(lexical.terms.of(indexed_text(article.title, chunk.text))))
        if expected != lexical.distinct_terms[row]:
            yield f"row {row} of the lexical index has other terms than its chunk {chunk.chunk_id}"
            return


def _searches(generation: Generation) -> Searches:
    """Search a sample of the chunks by their own vectors."""
    dense = generation.dense
    rows = len(dense.vectors)
    sample = _sample(rows, max(SAMPLE, min(SEARCHES, PAIRS // max(rows, 1))))
    step = max(1, PAIRS_AT_ONCE // max(rows, 1))
    missed = hidden = crowded = 0
    for start in range(0, len(sample), step):
        asked = np.array(dense.vectors[sample[start : start + step]])
        scores = asked @ dense.vectors.T
        found = [row[near].max(initial=-1) for row, near in zip(scores, dense.nearest_each(asked, 5), strict=True)]
        # Chunks of equal text have equal vectors, so the score counts, not the row.
        loss = scores.max(axis=1) - np.array(found)
        missed += int((loss > TOLERANCE).sum())
        hidden += int((loss > 1 - NEAR).sum())
        crowded += int(_have_many_near_duplicates(scores).sum())
    return Searches(rows, len(sample), missed, hidden, crowded)


def _have_many_near_duplicates(scores: Matrix) -> NDArray[np.bool_]:
    """Return which rows of a matrix of cosines have more near-duplicates than HNSW examines in one search."""
    crowded: NDArray[np.bool_] = (scores >= NEAR).sum(axis=1) > EF_SEARCH
    return crowded


def _sample(count: int, size: int = SAMPLE) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:size]


if __name__ == "__main__":
    sys.exit(main())
