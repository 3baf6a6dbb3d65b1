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

    Imported style sheets become constructed ones. Raises ValueError for modules that import each other in a circle,
    and for other forms of import and export than the widget's.
    """
    done: dict[str, str] = {}
    _add(folder, entry, (), done)
    return '(() => {\n"use strict";\n' + "".join(done.values()) + "})();\n"


def _add(folder: Path, name: str, above: tuple[str, ...], done: dict[str, str]) -> None:
    if name in above:
        raise ValueError(f"modules import each other: {' → '.join((*above, name))}")
    if name in done:
        return
    text = (folder / name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        done[name] = _style(name, text)
        return
    for needed in _IMPORT.finditer(text):
        _add(folder, needed["file"], (*above, name), done)
    done[name] = _module(name, text)


def _style(name: str, text: str) -> str:
    constructed = _variable(name)
    rules = json.dumps(_STYLE_COMMENT.sub("", text), ensure_ascii=False)
    return f"const {constructed} = new CSSStyleSheet();\n{constructed}.replaceSync({rules});\n"


def _module(name: str, text: str) -> str:
    code = _IMPORT.sub(_assignment, _COMMENT.sub("", text))
    exported = [found[1] for found in _EXPORT.finditer(code)]
    code = _EXPORT.sub("", code)
    if unknown := _UNKNOWN.search(code):
        raise ValueError(
            f'{name}: found {unknown[0]!r}, expected `import {{ a, b }} from "./file.js";` on one line, or `export`'
            " before a function, a class or a const"
        )
    return f"const {_variable(name)} = (() => {{\n{code}return {{ {', '.join(exported)} }};\n}})();\n"


def _assignment(found: re.Match[str]) -> str:
    names = f"{{ {found['names']} }}" if found["names"] else found["default"]
    return f"const {names} = {_variable(found['file'])};\n"


def _variable(file: str) -> str:
    return "$" + re.sub(r"\W", "_", file)
