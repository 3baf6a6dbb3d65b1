"""The widget's script: the ES modules of `service/widget`, joined into one classic script."""

import json
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "widget"
ENTRY = "chat.js"

_IMPORT = re.compile(
    r'^import (?:\{ (?P<names>[\w, ]+) \}|(?P<default>\w+)) from "\./(?P<file>[\w.-]+)"(?: with \{ type: "css" \})?;\n',
    re.MULTILINE,
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_STYLE_COMMENT = re.compile(r"/\*.*?\*/\n?", re.DOTALL)


@cache
def widget_script() -> str:
    """Return the widget's script, joined once in a process."""
    return join_modules(FOLDER, ENTRY)


def join_modules(folder: Path, entry: str) -> str:
    """Return an entry module after the modules that it imports, each in its own scope, without comments.

    Imported style sheets become constructed ones. Raises ValueError for other forms of import and export than the
    widget's.
    """
    done: dict[str, str] = {}
    _add(folder, entry, done)
    return '(() => {\n"use strict";\n' + "".join(done.values()) + "})();\n"


def _add(folder: Path, name: str, done: dict[str, str]) -> None:
    if name in done:
        return
    text, variable = (folder / name).read_text(encoding="utf-8"), _variable(name)
    if name.endswith(".css"):
        rules = json.dumps(_STYLE_COMMENT.sub("", text), ensure_ascii=False)
        done[name] = f"const {variable} = new CSSStyleSheet();\n{variable}.replaceSync({rules});\n"
        return
    for needed in _IMPORT.finditer(text):
        _add(folder, needed["file"], done)
    code = _IMPORT.sub(_assignment, _COMMENT.sub("", text))
    exported = ", ".join(found[1] for found in _EXPORT.finditer(code))
    code = _EXPORT.sub("", code)
    if unknown := _UNKNOWN.search(code):
        raise ValueError(
            f'{name}: found {unknown[0]!r}, expected `import {{ a, b }} from "./file.js";` on one line, or `export`'
            " before a function, a class or a const"
        )
    done[name] = f"const {variable} = (() => {{\n{code}return {{ {exported} }};\n}})();\n"


def _assignment(found: re.Match[str]) -> str:
    names = f"{{ {found['names']} }}" if found["names"] else found["default"]
    return f"const {names} = {_variable(found['file'])};\n"


def _variable(file: str) -> str:
    return "$" + re.sub(r"\W", "_", file)
