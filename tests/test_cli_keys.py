"""`dateline keys`: a key is printed once, listed by its first characters, and revoked."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dateline.__main__ import app
from dateline.exit_codes import FAILED, USAGE, exit_code_of
from index.errors import DatelineError
from index.layout import REPLICA
from index.records import Filters
from service.keys import KeyStore


def keys(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments, "--data", str(data)])


def created(data: Path, name: str, *arguments: str) -> dict[str, Any]:
    """Create a key and return what is printed."""
    made: dict[str, Any] = json.loads(keys(data, "create", "--name", name, "--json", *arguments).stdout)
    return made


def code_of(result: Result) -> int:
    return exit_code_of(result.exception) if isinstance(result.exception, DatelineError) else result.exit_code


def test_a_key_is_printed_once(tmp_path: Path) -> None:
    """It is alone on stdout, so that a script can take it; nothing shows it again."""
    result = keys(tmp_path, "create", "--name", "app")
    key = result.stdout.strip()
    later = keys(tmp_path, "list").output + keys(tmp_path, "list", "--json").output
    (stored,) = KeyStore(tmp_path).keys()

    assert result.stdout == f"{key}\n"
    assert len(key) == 55
    assert key not in result.stderr + later
    assert stored.id in result.stderr
    assert later.count(stored.id) == 2
    assert stored.grant.scopes == {"ask", "search"}
    assert stored.grant.bounds == Filters()


def test_the_articles_that_meet_the_conditions_are_counted(sample_data: Path, tmp_path: Path) -> None:
    """A mistyped section is noticed at once; without an index nothing is counted."""
    data = shutil.copytree(sample_data, tmp_path / "data")
    sport, mistyped = (keys(data, "create", "--name", name, "--section", name) for name in ("Sport", "Sprot"))

    assert re.search(r"^[1-9][0-9]* of 18 articles", sport.stderr, re.MULTILINE)
    assert "0 of 18 articles" in mistyped.stderr
    assert "articles meet" not in keys(tmp_path, "create", "--name", "x", "--section", "Sport").stderr


def test_conditions_and_an_end_are_stored(tmp_path: Path) -> None:
    """Every option of the command has its field."""
    made = created(
        tmp_path, "desk", *"--scope search --scope ask --expires 90d --source A --source B --section S".split(),
        *"--tag t --language de --after 2026-01-01 --before 2026-02-01 --per-minute 7 --tokens-per-day 9000".split(),
    )  # fmt: skip
    (stored,) = KeyStore(tmp_path).keys()
    bounds = stored.grant.bounds

    assert made["id"] == stored.id == made["key"][:11]
    assert made["scopes"] == ["ask", "search"]
    assert (made["per_minute"], made["tokens_per_day"]) == (7, 9000)
    assert (stored.grant.per_minute, stored.grant.tokens_per_day) == (7, 9000)
    assert "7 a minute, 9,000 tokens a day" in keys(tmp_path, "list").stdout
    assert (bounds.sources, bounds.sections, bounds.tags, bounds.languages) == (("A", "B"), ("S",), ("t",), ("de",))
    assert made["bounds"]["published_after"] == "2026-01-01T00:00:00Z"
    assert made["bounds"]["published_before"] == "2026-02-01T00:00:00Z"
    assert stored.grant.expires_at is not None
    assert (stored.grant.expires_at - stored.created_at).days in (89, 90)


def test_a_publishable_key_asks_only(tmp_path: Path) -> None:
    """It needs the origins of its pages."""
    made = created(tmp_path, "web", "--publishable", "--origin", "https://a.example", "--origin", "https://b.example")

    assert (made["kind"], made["scopes"], made["key"][:4]) == ("publishable", ["ask"], "dlp_")
    assert made["origins"] == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    "options",
    ["--scope read", "--expires 0d", "--expires 2020-01-01", "--expires soon", "--expires 99999d --after x",
     "--publishable", "--origin https://a.example", "--publishable --origin a.example", "--scope ingest --tag x",
     "--per-minute 0", "--tokens-per-day -1"],
)  # fmt: skip
def test_nonsense_makes_no_key(tmp_path: Path, options: str) -> None:
    """The exit code is that of usage."""
    assert code_of(keys(tmp_path, "create", "--name", "x", *options.split())) == 2
    assert KeyStore(tmp_path).keys() == ()


def test_an_invalid_end_names_both_forms(tmp_path: Path) -> None:
    """An end is a number of days or a date."""
    assert re.search("90d.*2026-01-31", str(keys(tmp_path, "create", "--name", "x", "--expires", "90").exception))


def test_a_key_is_revoked_by_its_beginning_its_name_or_itself(tmp_path: Path) -> None:
    """Two keys of one name are fine until one of them is meant."""
    old, new, other = created(tmp_path, "CMS"), created(tmp_path, "CMS"), created(tmp_path, "app")
    ambiguous = keys(tmp_path, "revoke", "CMS")
    assert code_of(ambiguous) == 2
    assert all(made["id"] in str(ambiguous.exception) for made in (old, new))
    assert code_of(keys(tmp_path, "revoke", "nothing")) == 2

    assert json.loads(keys(tmp_path, "revoke", old["id"], "--json").stdout) == {"revoked": old["id"]}
    assert keys(tmp_path, "revoke", "CMS").exit_code == 0
    assert keys(tmp_path, "revoke", other["key"]).exit_code == 0
    again = keys(tmp_path, "revoke", other["key"])
    listed = json.loads(keys(tmp_path, "list", "--json").stdout)["keys"]

    assert code_of(again) == 2
    assert other["key"] not in str(again.exception)
    assert [key["state"] for key in listed] == ["revoked"] * 3


def test_replicas_have_a_key_until_it_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change reaches the store at once; a revocation is not done while a replica lacks it."""
    monkeypatch.setenv("DATELINE_STORE", f"file://{tmp_path}/store")
    monkeypatch.setattr("dateline.keys.PATIENCE_S", 0.0)
    publisher, replica = tmp_path / "publisher", tmp_path / "replica"
    publisher.mkdir()
    made = created(publisher, "app")
    pull = ["pull", "--data", str(replica), "--name", "east"]
    assert CliRunner().invoke(app, pull).exit_code == 0
    assert KeyStore(replica).keys()[0].id == made["id"]

    revoked = keys(publisher, "revoke", "app")
    assert (revoked.exit_code, "east" in revoked.stderr) == (FAILED, True)
    assert KeyStore(publisher).keys()[0].revoked_at is not None
    assert CliRunner().invoke(app, pull).exit_code == 0
    assert KeyStore(replica).keys() == KeyStore(publisher).keys()
    assert keys(publisher, "revoke", "app").exit_code == 0

    created(publisher, "another")
    assert CliRunner().invoke(app, pull).exit_code == 0
    waiting = json.loads(keys(publisher, "revoke", "another", "--json").stdout)["waiting"]
    assert waiting == ["east"]


def test_a_revocation_that_the_store_did_not_get_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is revoked here, the message says where it is not, and the command can be run again."""
    created(tmp_path, "app")
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATELINE_STORE", f"file://{tmp_path}/file/store")
    for _ in range(2):
        assert keys(tmp_path, "revoke", "app").exit_code != 0
    assert KeyStore(tmp_path).keys()[0].revoked_at is not None
    made = keys(tmp_path, "create", "--name", "another")
    assert (made.exit_code, made.stdout.startswith("dl_")) == (0, True)


def test_a_replica_makes_no_key(tmp_path: Path) -> None:
    """The next pull would replace it."""
    (tmp_path / REPLICA).write_text("{}", encoding="utf-8")
    for arguments in (("create", "--name", "app"), ("revoke", "app")):
        assert code_of(keys(tmp_path, *arguments)) == USAGE
    assert not KeyStore(tmp_path).path.exists()
