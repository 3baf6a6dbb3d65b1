"""Is a generation whole? Run as `python -m index.verification FOLDER` in a process of its own.

A damaged HNSW file can end the process that opens it, so the ingest job lets a child look: whatever
kills the child is a failed check. The child prints what it found, one damage a line.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.dense import undrained
from index.errors import IndexDamaged
from index.generation import Generation, damaged_files, read_manifest
from index.layout import CHROMA
from index.records import indexed_text

SAMPLE = 500
SAMPLE_SEED = 20260101
TIMEOUT_S = 900
TOLERANCE = 1e-4
MISSES_ALLOWED = 0.002


def damages(folder: Path) -> list[str]:
    """What is wrong with a generation, seen by a child process; empty where it is whole."""
    command = [sys.executable, "-m", "index.verification", str(folder.absolute())]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return [f"verification did not end within {TIMEOUT_S} s"]
    found = child.stdout.splitlines()
    if child.returncode == 0:
        return []
    if child.returncode == 1 and found:
        return found
    last = child.stderr.strip().splitlines()[-1:] or ["no message"]
    return [*found, f"verification ended with {child.returncode}: {last[0]}"]


def main() -> int:
    """Print each damage of the generation named on the command line; 1 where there is any."""
    found = False
    for damage in look(Path(sys.argv[1])):
        # At once: what ends this process next does not take back what it found.
        sys.stdout.write(f"{damage}\n")
        sys.stdout.flush()
        found = True
    return 1 if found else 0


def look(folder: Path) -> Iterator[str]:
    """What is wrong with a generation, seen by this process, which a damaged HNSW file may end."""
    try:
        manifest = read_manifest(folder)
        changed = damaged_files(folder, manifest)
        yield from changed
        if changed:
            return
        generation = Generation(folder)
    except IndexDamaged as error:
        yield error.args[0]
        return
    try:
        yield from _wrong_configuration(generation)
        yield from _wrong_vectors(generation)
        yield from _wrong_lexical(generation)
        yield from _wrong_searches(generation)
    finally:
        generation.close()


def _wrong_configuration(generation: Generation) -> Iterator[str]:
    space = generation.dense.configuration.get("space")
    if space != "cosine":
        yield f"chroma measures {space!r}, expected 'cosine'"
    stated, held = generation.manifest.configuration.dimension, generation.dense.vectors.shape[1]
    if stated != held:
        yield f"the manifest states dimension {stated}, vectors.npy holds {held}"
    waiting = undrained(generation.folder / CHROMA)
    if waiting:
        yield f"{waiting} rows wait in chroma's queue, expected none"
    language = generation.lexical.terms.language
    if language != generation.manifest.configuration.language:
        yield f"the lexical index is {language}, the manifest states {generation.manifest.configuration.language}"
    articles = generation.catalog.article_count()
    if articles != generation.manifest.article_count:
        yield f"the catalogue holds {articles} articles, the manifest states {generation.manifest.article_count}"


def _wrong_vectors(generation: Generation) -> Iterator[str]:
    vectors = generation.dense.vectors
    norms = np.linalg.norm(vectors, axis=1)
    broken = np.flatnonzero(~(np.abs(norms - 1) < TOLERANCE))
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


def _wrong_searches(generation: Generation) -> Iterator[str]:
    sample = _sample(len(generation.dense.vectors))
    misses = 0
    for row in sample:
        vector = np.array(generation.dense.vectors[row])
        found = generation.dense.nearest(vector, 5)
        # Two chunks of the same words have the same vector: finding either is finding it.
        misses += not len(found) or float(generation.dense.scores(vector, found).max()) < 1 - TOLERANCE
    if misses > MISSES_ALLOWED * len(sample):
        yield f"{misses} of {len(sample)} chunks do not find themselves"


def _sample(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:SAMPLE]


if __name__ == "__main__":
    sys.exit(main())
