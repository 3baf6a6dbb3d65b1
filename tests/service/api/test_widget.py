"""The widget's script."""

import re
from pathlib import Path

import pytest

from service.api.templates import WIDGET, join_modules, widget_script


def test_no_module_writes_markup_or_code() -> None:
    """The script has no way to make elements or code of a string."""
    script = widget_script()
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b"

    assert re.findall(rf"{ways}|new Function|setHTML|setTimeout\(['\"`]|javascript:|import\(", script) == []
    assert re.findall(r"https?://[^\s\"'`]*", script) == ["http://www.w3.org/2000/svg"]


def test_every_module_is_in_the_script() -> None:
    """Each module and style sheet of the folder is in the script."""
    script = widget_script()
    files = [file.name for file in WIDGET.iterdir() if file.suffix in (".js", ".css")]
    variables = {f"${re.sub(r'[^A-Za-z0-9_]', '_', name)}" for name in files}

    assert {name for name in variables if f"const {name} = " not in script} == set()


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_modules_are_joined_in_the_order_of_their_imports(tmp_path: Path) -> None:
    """An imported module comes first, once, in its own scope."""
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
        ({"main": 'import * as a from "./a.js";\n'}, "import \\* as a"),
        ({"main": "export default 1;\n"}, "export default 1"),
    ],
)
def test_an_unknown_form_of_import_or_export_is_refused(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """The error names the unknown form of import or export."""
    with pytest.raises(ValueError, match=told):
        join_modules(write(tmp_path, **files), "main.js")
