"""`GET /docs`: the OpenAPI description as a page."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.article_text import render
from service.api.pages import base_address, page, unless_cached

router = APIRouter(include_in_schema=False)

Schema = dict[str, Any]

_FRAMEWORK = ("HTTPValidationError", "ValidationError")
"""Shapes of the framework; this service replies to every error in a shape of its own."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field; `kind` is its type, with `{}` where the name of `shape` goes."""

    name: str
    kind: str
    shape: str | None
    required: bool
    note: str
    about: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of an operation; `example` is JSON or an event stream."""

    status: str
    about: str
    media_type: str
    shape: str | None
    example: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path; `body` names the shape of what is sent."""

    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Field, ...]
    body: str | None
    example: str | None
    replies: tuple[Reply, ...]

    @property
    def anchor(self) -> str:
        """The fragment that links to it in the page."""
        return f"{self.method.lower()}{self.path}"


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object."""

    name: str
    about: str
    fields: tuple[Field, ...]


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the description of the API."""
    described = request.app.openapi()
    schemas = described["components"]["schemas"]
    shown = page(
        "docs",
        base=base_address(request),
        version=described["info"]["version"],
        operations=[
            _operation(method.upper(), path, operation, schemas)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ],
        shapes=[_shape(name, schema) for name, schema in schemas.items() if name not in _FRAMEWORK],
    )
    return unless_cached(request, shown)


def _operation(method: str, path: str, operation: Schema, schemas: dict[str, Schema]) -> Operation:
    body = _shape_name(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"))
    examples = schemas.get(body or "", {}).get("examples", [])
    return Operation(
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        about=render(operation.get("description", "")).html,
        parameters=tuple(
            _field(each["name"], each["schema"], required=each["required"]) for each in operation.get("parameters", ())
        ),
        body=body,
        example=json.dumps(examples[0], ensure_ascii=False) if examples else None,
        replies=tuple(
            _reply(status, reply.get("description", ""), media_type, content)
            for status, reply in operation["responses"].items()
            for media_type, content in reply.get("content", {}).items()
            if _shape_name(content.get("schema")) not in _FRAMEWORK
        ),
    )


def _reply(status: str, about: str, media_type: str, content: Schema) -> Reply:
    example = content.get("example")
    if example is not None and not isinstance(example, str):
        example = json.dumps(example, indent=2, ensure_ascii=False)
    return Reply(status, render(about).html, media_type, _shape_name(content.get("schema")), example)


def _shape(name: str, schema: Schema) -> Shape:
    # A reply has all of its fields; only a request may leave some out.
    required = schema.get("required", ()) if name.endswith("Request") else ()
    fields = (_field(each, held, required=each in required) for each, held in schema.get("properties", {}).items())
    return Shape(name, render(schema.get("description", "")).html, tuple(fields))


def _field(name: str, schema: Schema, *, required: bool) -> Field:
    kind, shape = _kind(schema)
    return Field(name, kind, shape, required, _note(schema), render(schema.get("description", "")).html)


def _kind(schema: Schema) -> tuple[str, str | None]:
    """Return a type in words and the shape that it names; `{}` in the words is where the shape's name goes."""
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
    notes = [
        f"{words} {schema[key]:,.0f}{unit}"
        for key, words, unit in (
            ("minimum", "at least", ""),
            ("maximum", "at most", ""),
            ("maxLength", "at most", " characters"),
            ("maxItems", "at most", " entries"),
        )
        if key in schema
    ]
    if schema.get("default") not in (None, [], "") and not isinstance(schema["default"], dict):
        notes.append(f"default {json.dumps(schema['default'])}")
    return ", ".join(notes)


def _shape_name(schema: Schema | None) -> str | None:
    return str(schema["$ref"]).rpartition("/")[2] if schema and "$ref" in schema else None
