"""`GET /v1/models`: the names under which the service answers, each with its reader and form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter

from service.api.compat.errors import CompatRoute, Refusal
from service.api.state import ServiceState, State
from service.records import ReaderChoice

router = APIRouter(prefix="/v1/models", tags=["OpenAI clients"], route_class=CompatRoute)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name that a client may choose; `has_source_list` adds the list of sources to the text."""

    id: str
    reader: ReaderChoice = "auto"
    has_source_list: bool = False
    is_listed: bool = True


CHORES = ServedModel("dateline-chores", is_listed=False)
"""Only for the chores of chat programs, such as titles; answers no question."""

MODELS = (
    ServedModel("dateline"),
    ServedModel("dateline-extractive", "extractive"),
    ServedModel("dateline-llm", "llm"),
    ServedModel("dateline-with-sources", has_source_list=True),
    CHORES,
)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model; `created` is the time of the index, in seconds since 1970."""

    id: str
    created: int
    owned_by: Literal["dateline"] = "dateline"
    object: Literal["model"] = "model"


@dataclass(frozen=True, slots=True)
class ModelList:
    """All models."""

    data: tuple[ModelEntry, ...]
    object: Literal["list"] = "list"


def served_models(state: ServiceState) -> dict[str, ServedModel]:
    """Return the models of a service by id; that of the language model only if there is one."""
    has_llm = state.pipeline.llm is not None
    return {model.id: model for model in MODELS if has_llm or model.reader != "llm"}


def model_named(state: ServiceState, model_id: str) -> ServedModel:
    """Return a model; raises Refusal for an unknown one: another would hide that a client is not set up right."""
    models = served_models(state)
    if model_id not in models:
        ids = ", ".join(model.id for model in models.values() if model.is_listed)
        raise Refusal("model_not_found", f"model: found {model_id[:80]!r}, expected one of {ids}", "model", 404)
    return models[model_id]


@router.get("", summary="The models that a client may name")
async def list_models(state: State) -> ModelList:
    """List the models; chat programs use it to test the connection."""
    created = await _created(state)
    return ModelList(tuple(ModelEntry(model.id, created) for model in served_models(state).values() if model.is_listed))


@router.get("/{model_id}", summary="One model")
async def get_model(model_id: str, state: State) -> ModelEntry:
    """Return a model by its id."""
    return ModelEntry(model_named(state, model_id).id, await _created(state))


async def _created(state: ServiceState) -> int:
    async with state.pipeline.pinned() as generation:
        return int(datetime.fromisoformat(generation.manifest.created_at).timestamp())
