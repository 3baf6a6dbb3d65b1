"""The requests of `docs/api.md` are sent to a service on the sample articles, and get the replies that it shows."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from index.spool import writer_lock
from service.settings import ServiceSettings
from tests.samples import client_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:8000"
SECRETS = {"DATELINE_KEY": "correct-horse-battery"}
VARIES = re.compile(
    r".*\.(timings_ms\.\w+|created_at|index_updated_at|generation|request_id|index_age|created|permalink|url_citation\.url"
    r"|highlight\.(start|end)_char_index)"
)
"""Fields that have another value in each reply, in each index, or by the processor: the span reader has 8 bits."""

ID = re.compile(r"(((chatcmpl-|resp_|msg_)?ans|fb|req)_[0-9a-f]+)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A request of the page as a command of curl, and the JSON of the reply below it."""

    command: str
    reply: Any

    @property
    def name(self) -> str:
        """The method and the path."""
        method, path, _, body = request_of(self.command)
        return f"{method} {path}" if body is None or len(body) > 60 else f"{method} {path} {body}"


def examples() -> list[Example]:
    """Return each request of the page that is followed by its reply."""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    pairs = pairwise(blocks)
    return [
        Example(text, json.loads(reply)) for (kind, text), (next_, reply) in pairs if (kind, next_) == ("sh", "json")
    ]


def request_of(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """Return the method, the path, the headers and the body of a command of curl."""
    for name, secret in SECRETS.items():
        command = command.replace(f"${name}", secret)
    words = shlex.split(command)
    options = [(words[at], words[at + 1]) for at in range(len(words) - 1)]
    (url,) = (word for word in words if word.startswith("http"))
    headers = dict(word.split(": ", 1) for option, word in options if option == "-H")
    body = next((word for option, word in options if option == "-d"), None)
    method = next((word for option, word in options if option == "-X"), "POST" if body else "GET")
    return method, url.removeprefix(ADDRESS), headers, body


def assert_same(shown: object, found: object, where: str) -> None:
    """Assert that a value of the page is the one of a reply: the same fields, in objects of the same kind.

    Numbers with decimals differ from one processor to another. `…` stands for the rest of a text.
    """
    if isinstance(shown, dict):
        assert isinstance(found, dict), where
        assert set(shown) == set(found), where
        for key, value in shown.items():
            assert_same(value, found[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert isinstance(found, list), where
        assert len(shown) == len(found), where
        for at, (one, other) in enumerate(zip(shown, found, strict=True)):
            assert_same(one, other, f"{where}[{at}]")
    elif VARIES.fullmatch(where) or isinstance(shown, float):
        assert isinstance(found, (int, float) if isinstance(shown, float) else type(shown)), where
    elif isinstance(shown, str) and ID.fullmatch(shown):
        assert ID.fullmatch(str(found)), where
    elif isinstance(shown, str) and "…" in shown:
        assert str(found).startswith(shown.partition("…")[0]), where
    else:
        assert shown == found, where


@pytest.fixture(scope="module")
def client(sample_settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service on a copy of the sample index, beside a live writer."""
    data = shutil.copytree(sample_settings.data, tmp_path_factory.mktemp("page") / "data")
    secret = SecretStr(SECRETS["DATELINE_KEY"])
    settings = sample_settings.model_copy(update={"data": data, "push_secret": secret})
    with client_of(settings) as client, writer_lock(data):
        client.base_url = ADDRESS
        yield client


def test_the_page_has_examples() -> None:
    """Each section that shows a reply shows its request."""
    assert len(examples()) >= 8


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_a_reply_of_the_page_is_that_of_the_service(client: TestClient, example: Example) -> None:
    """The reply has the fields of the page, and their values except for times, ids and scores."""
    method, path, headers, body = request_of(example.command)
    reply = client.request(method, path, headers=headers, content=body)

    assert_same(example.reply, reply.json(), "reply")
