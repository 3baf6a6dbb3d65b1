"""The scripts of the widget, and of the explanation that it may show."""

import re
from pathlib import Path

import pytest

from service.api.templates import SCRIPTS, join_modules, page_asset


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_module_writes_markup_or_code(name: str) -> None:
    """The script has no way to make elements or code of a string."""
    script = page_asset(name).plain.decode()
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b"

    assert re.findall(rf"{ways}|new Function|setHTML|setTimeout\(['\"`]|javascript:|import\(", script) == []
    addresses = ["http://www.w3.org/2000/svg"] if name == "widget.js" else []
    assert re.findall(r"https?://[^\s\"'`]*", script) == addresses


@pytest.mark.parametrize(("name", "least"), [("widget.js", 50), ("explanation.js", 0)])
def test_every_module_is_in_the_script(name: str, least: int) -> None:
    """Each name that a module exports, and each style sheet, is in the script once."""
    script, folder = page_asset(name).plain.decode(), SCRIPTS[name][0]
    modules = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.js"))
    exported = re.findall(r"^export ((?:async )?(?:function\*?|class|const) \w+)", modules, re.MULTILINE)

    assert len(exported) > least
    assert [name for name in exported if len(re.findall(rf"^{re.escape(name)}\b", script, re.MULTILINE)) != 1] == []
    assert script.count("new CSSStyleSheet()") == len(list(folder.glob("*.css")))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_modules_are_joined_in_the_order_of_their_imports(tmp_path: Path) -> None:
    """An imported module comes first, once, without comments, types and indentation."""
    folder = write(
        tmp_path,
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        b='import { a } from "./a.js";\n// a remark\nexport function b() {\n  return /** @type {any} */ (a);\n}\n',
        a="/** A. */\nexport const a = 1;\n",
    )

    joined = join_modules(folder, "main.js")
    assert joined.splitlines()[2:-1] == ["const a = 1;", "function b() {", "return (a);", "}", "b(a);"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"main": 'import * as a from "./a.js";\n'}, "import \\* as a"),
        ({"main": "export default 1;\n"}, "export default 1"),
        (
            {"main": 'import { b } from "./b.js";\nlet a = b;\n', "b": "const a = 1;\nexport const b = a;\n"},
            "both define 'a'",
        ),
    ],
)
def test_modules_that_cannot_be_joined_are_refused(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """The error names an unknown form of import or export, or a name that two modules define."""
    with pytest.raises(ValueError, match=told):
        join_modules(write(tmp_path, **files), "main.js")
