"""`GET /metrics`: what Prometheus reads of the service, for keys with the scope metrics."""

from contextlib import suppress
from datetime import datetime

from fastapi import APIRouter, Response

from index.errors import DatelineError
from index.spool import Spool, has_writer
from service.api.state import ServiceState, State
from service.metrics import CONTENT_TYPE, Readings
from service.readers.chat import ChatModel

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(state: State) -> Response:
    """Return the metrics of the service in the text format of Prometheus; needs a key with the scope metrics."""
    return Response(await state.read(state.metrics.exposition), media_type=CONTENT_TYPE)


def read_gauges(state: ServiceState) -> Readings:
    """Return the value of each gauge; reads the names of waiting pushes and the spend of the day."""
    pipeline, questions = state.pipeline, state.limits.questions
    library, llm, chat = pipeline.library, pipeline.llm, pipeline.chat
    server = library.server
    tokens_left, usd_left = pipeline.budget.left() if pipeline.budget else (None, None)
    return {
        **_of_index(state),
        **_of_spool(state),
        "dateline_questions_in_flight": questions.taken,
        "dateline_questions_limit": questions.limit,
        "dateline_index_trouble": library.error is not None or (server is not None and server.error is not None),
        "dateline_budget_tokens_left": tokens_left,
        "dateline_budget_usd_left": usd_left,
        "dateline_llm_trouble": llm.trouble is not None if llm else None,
        "dateline_llm_breaker_open": chat.breaker.is_open if isinstance(chat, ChatModel) else None,
    }


def _of_index(state: ServiceState) -> Readings:
    with suppress(DatelineError), state.pipeline.library.pinned() as generation:
        manifest = generation.manifest
        return {
            "dateline_ready": not state.stopping.is_set(),
            "dateline_index_articles": manifest.article_count,
            "dateline_index_chunks": manifest.chunk_count,
            "dateline_index_updated_timestamp_seconds": datetime.fromisoformat(manifest.created_at).timestamp(),
        }
    names = ("articles", "chunks", "updated_timestamp_seconds")
    return {"dateline_ready": 0.0, **{f"dateline_index_{name}": None for name in names}}


def _of_spool(state: ServiceState) -> Readings:
    data = state.pipeline.library.data
    waiting, oldest, is_up = None, None, None
    # Metrics that say nothing of the disk are still read.
    with suppress(DatelineError, OSError):
        entries = Spool(data).entries()
        waiting = len(entries)
        is_up = has_writer(data)
        # It may be published meanwhile.
        oldest = entries[0].path.stat().st_mtime if entries else None
    return {
        "dateline_spool_articles": waiting,
        "dateline_spool_oldest_timestamp_seconds": oldest,
        "dateline_writer_up": is_up,
    }
