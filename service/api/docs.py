"""`GET /docs`: the OpenAPI description as a page."""

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.admission import State
from service.api.article_text import render
from service.api.pages import base_address, page, unless_cached

router = APIRouter(include_in_schema=False)

Schema = dict[str, Any]
Row = dict[str, object]
"""Values of the template for an operation, a reply, a shape or a field."""

_BOUNDS = (
    ("minimum", "at least", ""),
    ("maximum", "at most", ""),
    ("maxLength", "at most", " characters"),
    ("maxItems", "at most", " entries"),
)


@router.get("/docs")
async def docs(request: Request, state: State) -> Response:
    """Show the description of the API."""
    described = request.app.openapi()
    schemas = described["components"]["schemas"]
    shown = page(
        "docs",
        base=base_address(request, state),
        version=described["info"]["version"],
        operations=[
            _operation(method.upper(), path, operation, schemas)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ],
        shapes=[_shape(name, schema) for name, schema in schemas.items()],
    )
    return unless_cached(request, shown)


def _operation(method: str, path: str, operation: Schema, schemas: dict[str, Schema]) -> Row:
    body = _shape_name(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"))
    examples = schemas.get(body or "", {}).get("examples", [])
    return {
        "method": method,
        "path": path,
        "anchor": f"{method.lower()}{path}",
        "summary": operation.get("summary", ""),
        "about": _html(operation),
        "parameters": [
            _field(each["name"], each["schema"], required=each["required"]) for each in operation.get("parameters", ())
        ],
        "body": body,
        "example": json.dumps(examples[0], ensure_ascii=False) if examples else None,
        "replies": [
            _reply(status, _html(reply), media_type, content)
            for status, reply in operation["responses"].items()
            if status != "default"  # errors have a section of their own
            for media_type, content in reply.get("content", {}).items()
        ],
    }


def _reply(status: str, about: str, media_type: str, content: Schema) -> Row:
    example = content.get("example")
    if example is not None and not isinstance(example, str):
        example = json.dumps(example, indent=2, ensure_ascii=False)
    shape = _shape_name(content.get("schema"))
    return {"status": status, "about": about, "media_type": media_type, "shape": shape, "example": example}


def _shape(name: str, schema: Schema) -> Row:
    # A reply has all of its fields; only a request may leave some out.
    required = schema.get("required", ()) if name.endswith("Request") else ()
    properties = schema.get("properties", {}).items()
    fields = [_field(each, described, required=each in required) for each, described in properties]
    return {"name": name, "about": _html(schema), "fields": fields}


def _field(name: str, schema: Schema, *, required: bool) -> Row:
    kind, shape = _kind(schema)
    note = _note(schema)
    return {"name": name, "kind": kind, "shape": shape, "required": required, "note": note, "about": _html(schema)}


def _kind(schema: Schema) -> tuple[str, str | None]:
    """Return a type in words and the shape that it names; `{}` in the words stands for the name of the shape."""
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"]]
        return " or ".join(kind for kind, _ in kinds), next((shape for _, shape in kinds if shape), None)
    if "$ref" in schema:
        return "{}", _shape_name(schema)
    if schema.get("type") == "array":
        kind, shape = _kind(schema.get("items", {}))
        return f"list of {kind}", shape
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return " or ".join(json.dumps(value) for value in values) or schema.get("type", "any"), None


def _note(schema: Schema) -> str:
    """Return the bounds and the default in words."""
    notes = [f"{words} {schema[key]:,.0f}{unit}" for key, words, unit in _BOUNDS if key in schema]
    if schema.get("default") not in (None, [], "") and not isinstance(schema["default"], dict):
        notes.append(f"default {json.dumps(schema['default'])}")
    return ", ".join(notes)


def _html(described: Schema) -> str:
    return render(described.get("description", "")).html


def _shape_name(schema: Schema | None) -> str | None:
    return str(schema["$ref"]).rpartition("/")[2] if schema and "$ref" in schema else None
