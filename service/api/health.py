"""`GET /healthz`: is the process alive? `GET /readyz`: can it answer, and if not, why?"""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from index.errors import ChromaUnavailable, DatelineError, IndexDamaged, IndexMismatch
from service.api.problems import STOPPING, problem_body, problem_of
from service.api.reply import json_reply
from service.api.request_id import request_id_of
from service.api.service_state import State
from service.api.tasks import on

router = APIRouter(tags=["health"])

_TROUBLES: dict[type[DatelineError], str] = {
    IndexDamaged: "newest_damaged",
    IndexMismatch: "newest_of_another_model",
    ChromaUnavailable: "vectors_unavailable",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """What answers come from; `trouble` is the code of why it is not the newest generation, where it is not."""

    generation: str
    articles: int
    chunks: int
    index_updated_at: str
    embedding_model: str
    reader: str
    model: str | None
    trouble: str | None
    status: Literal["ready"] = "ready"


@router.get("/healthz", summary="Alive")
async def healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", response_model=Ready, summary="Ready to answer")
async def readyz(request: Request, state: State) -> Response:
    """There is a generation to answer from; 503 with the reason where there is none."""
    if state.stopping.is_set():
        return JSONResponse(problem_body(STOPPING, request_id_of(request)), STOPPING.status)
    async with state.pipeline.pinned() as generation:
        # Where a server holds the vectors, it may be away.
        await on(state.reading, generation.dense.count)
        manifest = generation.manifest
        reader = state.pipeline.llm or state.pipeline.desk.extractive
        return json_reply(
            Ready(
                generation=manifest.generation,
                articles=manifest.article_count,
                chunks=manifest.chunk_count,
                index_updated_at=manifest.created_at,
                embedding_model=manifest.configuration.embedding_model,
                reader=reader.name,
                model=reader.model,
                trouble=_code(state.pipeline.library.trouble),
            )
        )


def _code(trouble: DatelineError | None) -> str | None:
    """Return the code of what keeps the newest generation from being served; the log has its words."""
    return _TROUBLES.get(type(trouble), problem_of(trouble).code) if trouble else None
