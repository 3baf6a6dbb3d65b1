"""Verify a segment: `python -m index.verification FOLDER` in a child process, because a corrupt HNSW file can end it.

The writer verifies a new segment in its own process: if that ends, no generation names the segment.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog, text_key
from index.embedding import Matrix
from index.errors import IndexDamaged
from index.layout import CATALOG, CHROMA, LEXICAL, VECTORS
from index.lexical import Postings
from index.records import SegmentRecord, indexed_text
from index.segment import file_faults, read_record
from index.terms import Terms
from index.vectors import Collection, are_unit, undrained

SAMPLE = 500
SAMPLE_SEED = 20260101
TIMEOUT_S = 900
TOLERANCE = 1e-4
MISSES_ALLOWED = 0.002


def verify_in_child(folder: Path) -> list[str]:
    """Return the faults of a closed segment; empty if it is valid."""
    command = [sys.executable, "-m", "index.verification", str(folder.absolute())]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return [f"verification did not end within {TIMEOUT_S} s"]
    # Text after the last line end is incomplete.
    faults = child.stdout.split("\n")[:-1]
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        faults.append(f"verification ended with {child.returncode}: {last[0]}")
    return faults


def faults_of(folder: Path, record: SegmentRecord) -> list[str]:
    """Return what is wrong in the contents of a segment, opened in this process, which a corrupt HNSW file may end."""
    try:
        with closing(Catalog(folder / CATALOG)) as catalog:
            vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
            postings = Postings(folder / LEXICAL)
            with closing(Collection(folder / CHROMA)) as collection:
                counts = {
                    "record": record.chunk_count,
                    "catalogue": len(catalog.article_of_row),
                    "vectors": len(vectors),
                    "lexical": postings.row_count,
                    "chroma": collection.count(),
                }
                if len(set(counts.values())) > 1:
                    return [f"numbers of chunks disagree: {counts}"]
                faults = [*_wrong_catalog(catalog, postings, record), *_wrong_vectors(vectors, record, collection)]
            if undrained(folder / CHROMA):
                faults.append("rows wait in chroma's queue")
            return faults
    except (OSError, EOFError, ValueError, IndexDamaged, sqlite3.DatabaseError) as error:
        return [f"it cannot be opened: {error}"]


def misses_too_many(folder: Path) -> bool:
    """Return whether Chroma does not find too many chunks of a segment by their own vectors.

    HNSW cannot reach every row beside a crowd of near-duplicates, as tables, logs and lists make
    (chroma-core/chroma#3113): the segment is valid, but needs exact search.
    """
    vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
    missed = 0
    with closing(Collection(folder / CHROMA)) as collection:
        for row in _sample(len(vectors)):
            found = collection.nearest(vectors[row], 5)
            # Chunks of equal text have equal vectors, so the score counts, not the row.
            missed += bool((vectors[found] @ vectors[row]).max(initial=-1) < 1 - TOLERANCE)
    return missed > MISSES_ALLOWED * min(SAMPLE, len(vectors))


def _wrong_catalog(catalog: Catalog, postings: Postings, record: SegmentRecord) -> Iterator[str]:
    hashes = catalog.hashes()
    if len(hashes) != record.article_count:
        yield f"the catalogue has {len(hashes)} articles, the record states {record.article_count}"
    changed = [
        article.article_id
        for article in (article for article, _ in catalog.articles())
        if article.content_hash != hashes[article.article_id]
    ]
    if changed:
        yield f"{len(changed)} articles do not match their content hash, the first is {changed[0]}"
    rows = sorted(_sample(catalog.chunk_count).tolist())
    keys, terms = catalog.text_keys(rows), Terms(record.configuration.language)
    for row, (chunk, article) in zip(rows, catalog.chunks(rows), strict=True):
        if keys[row] != text_key(article, chunk):
            yield f"row {row} of the catalogue has another text than was embedded, in {article.article_id}"
            return
        if len(terms.of(indexed_text(article.title, chunk.text))) != postings.lengths[row]:
            yield f"row {row} of the lexical index has other terms than its chunk {chunk.chunk_id}"
            return


def _wrong_vectors(vectors: Matrix, record: SegmentRecord, collection: Collection) -> Iterator[str]:
    if vectors.shape[1] != record.configuration.dimension:
        yield f"the record states dimension {record.configuration.dimension}, vectors.npy has {vectors.shape[1]}"
    invalid = np.flatnonzero(~are_unit(vectors))
    if len(invalid):
        yield f"{len(invalid)} vectors are not finite unit vectors, the first in row {invalid[0]}"
    if collection.space != "cosine":
        yield f"chroma measures {collection.space!r}, expected 'cosine'"
    seen = np.zeros(len(vectors), dtype=bool)
    for rows, stored in collection.pages():
        if rows.max(initial=-1) >= len(vectors) or rows.min(initial=0) < 0:
            yield "chroma has a row that is not in the catalogue"
            return
        seen[rows] = True
        differing = rows[np.abs(stored - vectors[rows]).max(axis=1, initial=0) > TOLERANCE]
        if len(differing):
            yield f"{len(differing)} vectors in chroma differ from vectors.npy, the first in row {differing[0]}"
    if not seen.all():
        yield f"{int((~seen).sum())} rows have no vector in chroma, the first is row {np.argmin(seen)}"


def _sample(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:SAMPLE]


def main() -> int:
    """Print each fault of the segment named on the command line."""
    folder = Path(sys.argv[1])
    try:
        record = read_record(folder)
    except IndexDamaged as error:
        faults = [error.args[0].removeprefix(f"segment {folder.name} ")]
    else:
        # A changed file is opened as well: its lost contents say more than the change.
        faults = file_faults(folder, record)
        for fault in faults:
            sys.stdout.write(f"{fault}\n")
        # Flushed, so that the faults survive the end of this process.
        sys.stdout.flush()
        faults = faults_of(folder, record)
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
