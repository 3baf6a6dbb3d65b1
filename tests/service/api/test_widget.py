"""The widget's script and the page to frame, as a browser fetches them."""

import gzip
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.bundle import ENTRY, FOLDER, join_modules, widget_script

LIMIT = 40_000
"""Bytes that the script may have on its way."""


def test_the_script_is_small(client: TestClient) -> None:
    """Zipped it is under 40 kB."""
    reply = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})

    assert reply.headers["content-encoding"] == "gzip"
    assert int(reply.headers["content-length"]) == len(widget_script().gzipped) < LIMIT
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_script_is_the_same_zipped_and_plain(client: TestClient) -> None:
    """Who takes no gzip gets the text itself, and caches keep the two apart."""
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})

    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(widget_script().gzipped) == client.get("/widget.js").content
    assert {"Accept-Encoding", "Origin"} <= set(re.split(", ?", plain.headers["vary"]))


def test_the_script_is_kept_for_good_by_its_digest_alone(client: TestClient) -> None:
    """Without a digest, or with an old one, it is asked for again within minutes."""
    digest = widget_script().digest

    assert "immutable" in client.get(f"/widget.js?v={digest}").headers["cache-control"]
    for path in ("/widget.js", "/widget.js?v=old"):
        assert "immutable" not in client.get(path).headers["cache-control"]
    assert f"/widget.js?v={digest}" in client.get("/").text


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_script_that_has_not_changed_is_not_sent_again(client: TestClient, encoding: str) -> None:
    """Its tag is enough, also among others and marked as weak by a proxy."""
    tag = client.get("/widget.js", headers={"Accept-Encoding": encoding}).headers["etag"]
    for given in (tag, f'"other", W/{tag}'):
        reply = client.get("/widget.js", headers={"Accept-Encoding": encoding, "If-None-Match": given})
        assert (reply.status_code, reply.content) == (304, b"")
    assert client.get("/widget.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_pages_that_isolate_themselves_may_load_the_script(client: TestClient) -> None:
    """`Cross-Origin-Resource-Policy` says so, and the type is not to be guessed."""
    headers = client.get("/widget.js").headers

    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_no_module_writes_markup_or_code() -> None:
    """Text goes in as text: none of the ways to make elements or code of a string is in the script."""
    script = widget_script().plain.decode()
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b"

    assert re.findall(rf"{ways}|new Function|setHTML|setTimeout\(['\"`]|javascript:|import\(", script) == []
    assert re.findall(r"https?://[^\s\"'`]*", script) == ["http://www.w3.org/2000/svg"]


def test_every_module_is_in_the_script() -> None:
    """No file of the folder is forgotten, but for the one that has types alone."""
    script = widget_script().plain.decode()
    variables = {f"${re.sub(r'[^A-Za-z0-9_]', '_', file.name)}" for file in FOLDER.iterdir() if file.name != "types.js"}

    assert {name for name in variables if f"const {name} = " not in script} == set()


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_modules_are_joined_in_the_order_of_their_needs(tmp_path: Path) -> None:
    """What is imported stands above, once, in a scope of its own."""
    folder = write(
        tmp_path,
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        b='import { a } from "./a.js";\n// a remark\nexport function b() { return a; }\n',
        a="/** A. */\nexport const a = 1;\n",
    )

    joined = join_modules(folder, "main.js")
    assert re.findall(r"const (\$\w+)", joined) == ["$a_js", "$b_js", "$main_js"]
    assert "remark" not in joined
    assert "const { a } = $a_js;" in joined


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"main": 'import { a } from "./a.js";\n', "a": 'import { b } from "./main.js";\n'},
            "main.js → a.js → main.js",
        ),
        ({"main": 'import * as a from "./a.js";\n'}, "import \\* as a"),
        ({"main": "export default 1;\n"}, "export default 1"),
    ],
)
def test_modules_that_cannot_be_joined_are_refused(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """A circle, and forms of import and export that are not known, by name."""
    with pytest.raises(ValueError, match=told):
        join_modules(write(tmp_path, **files), ENTRY)


def test_the_frame_may_be_framed_by_its_own_origin_and_nobody_else_unless_told(client: TestClient) -> None:
    """No origin is allowed in these settings."""
    reply = client.get("/embed?title=A%20%26%20B&lang=de&theme=dark")
    policy = reply.headers["content-security-policy"]

    assert "frame-ancestors 'self';" in policy
    assert "unsafe" not in policy
    assert '<html lang="de" dir="ltr">' in reply.text
    assert 'data-title="A &amp; B"' in reply.text
    assert "x-frame-options" not in reply.headers


@pytest.mark.parametrize(
    ("asked", "lang", "direction", "strings"),
    [
        ("", "en", "ltr", "en"),
        ("de-AT", "de-AT", "ltr", "de"),
        ("ar", "ar", "rtl", "ar"),
        ("tlh", "en", "ltr", "en"),
        ('"><script>', "en", "ltr", "en"),
    ],
)
def test_the_frame_is_named_in_its_language(
    client: TestClient, asked: str, lang: str, direction: str, strings: str
) -> None:
    """Its title is the widget's own, and runs in the direction of its script; without JavaScript it is not empty."""
    text = client.get("/embed", params={"lang": asked}).text
    title = re.search(r'^  title: "(.*)",$', (FOLDER / f"strings-{strings}.js").read_text("utf-8"), re.MULTILINE)

    assert title is not None
    assert f'<html lang="{lang}" dir="{direction}">' in text
    assert f"<title>{title[1]}</title>" in text
    assert 'href="/articles"' in text
