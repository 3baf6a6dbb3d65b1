"""Many requests made from the description of the API: each reply is as described."""

from pathlib import Path

from index.embedding.graph import prepare
from index.embedding.local import minilm
from tests.described_api import described_api
from tests.samples import ingest_samples

EXAMPLES = 300
"""Requests to each operation, valid ones and invalid ones each, with a key and without one."""


def soak(place: Path) -> str:
    """Check every operation of a service that needs keys, and of one that does not."""
    models, statuses = place / "models", set[int]()
    prepare(models, minilm())
    for needs_keys in (False, True):
        data = place / f"data-{needs_keys}"
        ingest_samples(data, models)
        with described_api(data, models, allow_anonymous=not needs_keys) as api:
            for operation in api.operations:
                try:
                    api.check(operation, EXAMPLES, derandomize=False)
                except BaseExceptionGroup as error:
                    raise AssertionError(f"{operation.label}: {_faults(error)}") from error
            statuses |= set().union(*api.statuses.values())
    return f"no reply differs from the description; statuses: {', '.join(map(str, sorted(statuses)))}"


def _faults(error: BaseExceptionGroup[BaseException]) -> str:
    return "; ".join(map(str, error.exceptions))
