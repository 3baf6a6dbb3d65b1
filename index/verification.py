"""Is a generation whole? Run as `python -m index.verification FOLDER [CHROMA_URL]` in a process of its own.

A damaged HNSW file can end the process that opens it, so the ingest job lets a child look: whatever
kills the child is a failed check. The child prints what it found, one damage a line.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.dense import ChromaServer, undrained
from index.embedding.vectors import are_unit
from index.embeddings import embedding_key
from index.errors import ChromaUnavailable, EmbeddingFailed, IndexDamaged, IndexMismatch
from index.generation import Generation, damaged_files, read_manifest
from index.records import fingerprint, indexed_text

SAMPLE = 500
SAMPLE_SEED = 20260101
TIMEOUT_S = 900
TOLERANCE = 1e-4
MISSES_ALLOWED = 0.002
FOUND = 10
"""Exit code of a child that looked everywhere and found damage; one that fails half-way ends with Python's 1."""

_UNSEEN: dict[int, type[ChromaUnavailable | IndexMismatch]] = {11: ChromaUnavailable, 12: IndexMismatch}
"""Exit codes of a child that could not look, which says nothing of the generation."""


def damages(folder: Path, server: ChromaServer | None = None) -> list[str]:
    """What is wrong with a generation, seen by a child process; empty where it is whole.

    Raises ChromaUnavailable or IndexMismatch where its vectors are with a server that is away, or is not named.
    """
    command = [sys.executable, "-m", "index.verification", str(folder.absolute()), *([server.url] if server else [])]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return [f"verification did not end within {TIMEOUT_S} s"]
    found = child.stdout.splitlines()
    if child.returncode in (0, FOUND):
        return found
    if child.returncode in _UNSEEN:
        raise _UNSEEN[child.returncode](child.stderr.strip())
    last = child.stderr.strip().splitlines()[-1:] or ["no message"]
    return [*found, f"verification ended with {child.returncode}: {last[0]}"]


def main() -> int:
    """Print each damage of the generation named on the command line; FOUND where there is any."""
    try:
        return _print_damages()
    except (ChromaUnavailable, IndexMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return next(code for code, kind in _UNSEEN.items() if isinstance(error, kind))


def _print_damages() -> int:
    found = False
    server = ChromaServer(sys.argv[2]) if len(sys.argv) > 2 else None
    for damage in look(Path(sys.argv[1]), server):
        # At once: what ends this process next does not take back what it found.
        sys.stdout.write(f"{damage}\n")
        sys.stdout.flush()
        found = True
    return FOUND if found else 0


def look(folder: Path, server: ChromaServer | None = None) -> Iterator[str]:
    """What is wrong with a generation, seen by this process, which a damaged HNSW file may end.

    Raises ChromaUnavailable or IndexMismatch where its vectors are with a server that is away, or is not named.
    """
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


def _wrong_searches(generation: Generation) -> Iterator[str]:
    sample = _sample(len(generation.dense.vectors))
    misses = 0
    for row in sample:
        vector = np.array(generation.dense.vectors[row])
        try:
            found = generation.dense.nearest(vector, 5)
        except EmbeddingFailed:
            # Such a vector is refused as a question; that it is broken has been said.
            misses += 1
            continue
        # Two chunks of the same words have the same vector: finding either is finding it.
        misses += not len(found) or float(generation.dense.scores(vector, found).max()) < 1 - TOLERANCE
    if misses > MISSES_ALLOWED * len(sample):
        yield f"{misses} of {len(sample)} chunks do not find themselves"


def _sample(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:SAMPLE]


if __name__ == "__main__":
    sys.exit(main())
