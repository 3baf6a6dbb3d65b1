"""The audit of the locked packages for known vulnerabilities: `make audit`, with pip-audit and the network.

pip-audit calls a run without any audited package a success. Here a package that could not be audited is a fault, like a
vulnerability that `audit.toml` does not ignore, and an entry there that has expired. Exit codes: 0 no fault, 1 a fault,
2 no audit. This module needs the standard library only, because it runs in pip-audit's own environment.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IGNORED = ROOT / "audit.toml"
LOCK = ROOT / "requirements.lock"

LONGEST = timedelta(days=184)
"""Time after which an ignored vulnerability must be looked at again."""

MOST_SKIPPED = 5
"""Packages that are named if they could not be audited."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A vulnerability whose code cannot be reached, the reason, and the test that proves it."""

    id: str
    aliases: Sequence[str]
    package: str
    reason: str
    test: str
    added: date
    expires: date

    def covers(self, package: str, names: set[str]) -> bool:
        """Return whether this entry is for a vulnerability of a package with these ids."""
        return self.package == package and not names.isdisjoint({self.id, *self.aliases})


def read_ignored(text: str) -> list[Ignored]:
    """Return the entries of `audit.toml`; raises TypeError if one lacks a field or has an unknown one."""
    return [Ignored(**entry) for entry in tomllib.loads(text)["ignored"]]


def faults_of(report: Mapping[str, Any], ignored: Sequence[Ignored], today: date) -> Iterator[str]:
    """Yield what is wrong in a report of pip-audit (JSON), one line for each fault."""
    packages = report["dependencies"]
    skipped = [f"{package['name']} ({package['skip_reason']})" for package in packages if "skip_reason" in package]
    if skipped or not packages:
        named = "".join(f"\n  {name}" for name in skipped[:MOST_SKIPPED])
        yield f"{len(skipped)} of {len(packages)} packages could not be audited{named}"
    for package in packages:
        for found in package.get("vulns", []):
            names = {found["id"], *found["aliases"]}
            if not any(entry.covers(package["name"], names) for entry in ignored):
                fixed = ", ".join(found["fix_versions"]) or "no version"
                yield f"{package['name']} {package['version']}: {', '.join(sorted(names))}, fixed in {fixed}"
    for entry in ignored:
        if entry.expires <= today:
            yield f"{entry.id} of {entry.package} was ignored until {entry.expires}: look at it again, see audit.toml"


def audited() -> dict[str, Any]:
    """Run pip-audit on the lock file and return its report; raises ValueError without one."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise ValueError(f"pip-audit ended with {done.returncode} and no report:\n{done.stderr}") from error
    return report


def main() -> int:
    """Audit, print each fault and return the exit code."""
    try:
        report = audited()
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    ignored = read_ignored(IGNORED.read_text(encoding="utf-8"))
    faults = list(faults_of(report, ignored, date.today()))  # noqa: DTZ011
    count = len(report["dependencies"])
    sys.stdout.write("\n".join(faults or [f"{count} packages audited; {len(ignored)} ignored entries hold"]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
