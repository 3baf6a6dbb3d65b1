"""`GET /healthz`: whether the process runs. `GET /readyz`: whether it can answer, or the code of the error."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from index.errors import ChromaUnavailable, DatelineError, IndexDamaged, IndexMismatch
from service.api.admission import State
from service.api.errors import STOPPING, problem_of, problem_reply
from service.readers.extractive import EXTRACTIVE

router = APIRouter(tags=["health"])

_TROUBLES: dict[type[DatelineError], str] = {
    IndexDamaged: "newest_damaged",
    IndexMismatch: "newest_of_another_model",
    ChromaUnavailable: "vectors_unavailable",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """The generation that is served, and the reader.

    `trouble` is the code of the error that a newer generation or the Chroma server has, or null; `model_trouble` is the
    code of the failure of the language model's last reply, or null. While the model fails, sentences are quoted.
    """

    generation: str
    articles: int
    chunks: int
    index_updated_at: str
    embedding_model: str
    reader: str
    model: str | None
    trouble: str | None
    model_trouble: str | None
    status: Literal["ready"] = "ready"


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """Return 200 while the process runs."""
    return {"status": "alive"}


@router.get("/readyz", response_model=Ready, summary="Ready to answer")
async def readyz(state: State) -> Ready | JSONResponse:
    """Return the generation that answers come from, or 503 with the code of the error."""
    if state.stopping.is_set():
        return problem_reply(STOPPING)
    async with state.pipeline.pinned() as generation:
        manifest, server, llm = generation.manifest, state.pipeline.library.server, state.pipeline.llm
        return Ready(
            generation=manifest.generation,
            articles=manifest.article_count,
            chunks=manifest.chunk_count,
            index_updated_at=manifest.created_at,
            embedding_model=manifest.configuration.embedding_model,
            reader=llm.name if llm else EXTRACTIVE,
            model=llm.model if llm else None,
            trouble=_code(state.pipeline.library.error or (server.error if server else None)),
            model_trouble=llm.trouble if llm else None,
        )


def _code(trouble: DatelineError | None) -> str | None:
    """Return the code of the error that the newest generation has; the log has its message."""
    return _TROUBLES.get(type(trouble), problem_of(trouble).code) if trouble else None
