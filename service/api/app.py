"""The HTTP service: the application around a pipeline, its lifespan, and the server that runs it.

`GET /healthz` says whether the process runs; `GET /readyz` whether it can answer, or the code of the error.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Any, Literal, cast

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware

from index.errors import ChromaUnavailable, DatelineError, IndexDamaged, IndexMismatch
from index.generation import Generation
from service.answer_cache import AnswerCache
from service.api import articles, ask, feedback, metrics, pages, push
from service.api.access import BEARER, Access, AccessRules, methods_of, template_of
from service.api.admission import Admission, LeavingCallers, Limits, Slots
from service.api.compat import chat, models, responses
from service.api.description import DescribedApi
from service.api.errors import (
    STOPPING,
    ErrorReply,
    error_reply,
    http_error,
    invalid_request,
    known_errors,
    problem_of,
    problem_reply,
)
from service.api.event_stream import cancel
from service.api.mcp import McpEndpoint
from service.api.middleware import AllowedHosts, ReplyHeaders, RequestBody, SharedPaths
from service.api.protocol import GuardedProtocol
from service.api.rates import QuestionRates
from service.api.request_log import RequestLog, noting_answers
from service.api.state import ServiceState, State
from service.build import build_pipeline, limits_of_day
from service.feedback import FeedbackStore
from service.keys import KeyRing, KeyStore
from service.log import start_log
from service.metrics import Metrics, counting_usage
from service.permalink import Permalinks, SigningKey
from service.pipeline import Pipeline
from service.rates import RateCounter, storage_of
from service.readers.extractive import EXTRACTIVE
from service.settings import ServiceSettings
from service.spend import Budget, SpendStore
from service.suggestions import SuggestionMaker, Suggestions
from service.telemetry import exporting_to

router = APIRouter(tags=["health"])

_TROUBLES: dict[type[DatelineError], str] = {
    IndexDamaged: "newest_damaged",
    IndexMismatch: "newest_of_another_model",
    ChromaUnavailable: "vectors_unavailable",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """The generation that is served, and the reader.

    `index_age` is the time since the generation was published, in seconds.
    `trouble` is the code of the error that a newer generation or the Chroma server has, or null; `model_trouble` is the
    code of the failure of the language model's last reply, or null. While the model fails, sentences are quoted.
    """

    generation: str
    articles: int
    chunks: int
    index_updated_at: str
    index_age: int
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
            index_age=_seconds_since(manifest.created_at),
            embedding_model=manifest.configuration.embedding_model,
            reader=llm.name if llm else EXTRACTIVE,
            model=llm.model if llm else None,
            trouble=_code(state.pipeline.library.error or (server.error if server else None)),
            model_trouble=llm.trouble if llm else None,
        )


def _seconds_since(moment: str) -> int:
    return max(0, round((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))


def _code(trouble: DatelineError | None) -> str | None:
    """Return the code of the error that the newest generation has; the log has its message."""
    return _TROUBLES.get(type(trouble), problem_of(trouble).code) if trouble else None


logger = logging.getLogger("dateline")

DESCRIPTION = "Answers questions from a newsroom's own articles, with citations that a reader can check."

GRACE_S = 10
"""Seconds that running answers have to end once the service stops."""

STREAM_GRACE_S = 5.0
"""Seconds after which a running stream ends with an error event once the service stops."""

KEEP_ALIVE_S = 10
"""Seconds that a connection waits for another request."""

MOST_THREADS = 3
"""The limit of threads that compute: they share one interpreter, and the event loop waits for each of them."""

SWITCH_S = 0.0002
"""The interpreter's switch interval in seconds; at the default of 5 ms refusals wait for questions."""


def create_app(settings: ServiceSettings, pipeline: Pipeline) -> FastAPI:
    """Return the application around a pipeline; its lifespan opens and watches the index."""
    rules = AccessRules(settings, KeyRing(KeyStore(settings.data)))
    mcp = McpEndpoint(settings.public_url, rules.allowed_origins) if settings.mcp else None
    app = DescribedApi(
        title="Dateline",
        description=DESCRIPTION,
        version=version("dateline"),
        lifespan=partial(_lifespan, settings, mcp),
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": ErrorReply, "description": "Every error has this shape."}},
        exception_handlers={RequestValidationError: invalid_request, HTTPException: partial(http_error, methods_of)},
    )
    key = settings.signing_secret.get_secret_value() if settings.signing_secret else None
    permalinks = Permalinks(SigningKey(settings.data, key), settings.public_url)
    counted, suggestions, model = Metrics(known_errors()), Suggestions(), pipeline.chat
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    rates = RateCounter(storage_of(redis_url), counted.count_rate_failure)
    budget = Budget(SpendStore(settings.data), limits_of_day(settings), counted.count_budget_refusal)
    app.state.service = state = ServiceState(
        replace(
            pipeline,
            finish=noting_answers(partial(ask.finish, permalinks, suggestions), counted),
            spent=counting_usage(counted, model.model, budget.count, pipeline.spent) if model else pipeline.spent,
            budget=budget if model else None,
            cache=AnswerCache(settings.answer_cache, pipeline.configuration),
        ),
        limits := Limits(Slots(settings.max_questions)),
        FeedbackStore(settings.data, settings.feedback_limit, settings.feedback_megabytes * 1_000_000),
        rules,
        settings.public_url,
        permalinks,
        suggestions,
        counted,
        settings.allow_indexing,
        rates,
    )
    counted.read_gauges_by(partial(metrics.read_gauges, state))
    for part in (
        ask.router,
        chat.router,
        models.router,
        responses.router,
        chat.open_webui,
        articles.router,
        push.router,
        feedback.router,
        metrics.router,
    ):
        app.include_router(part, dependencies=[BEARER])
    for part in (router, pages.router):
        app.include_router(part)
    if mcp:
        app.router.routes.append(mcp.route)
    # A request passes the last one first.
    app.add_middleware(LeavingCallers)
    app.add_middleware(Admission, limits=limits)
    app.add_middleware(RequestBody)
    # Errors of the application become replies before what is left of a rate is added.
    app.add_middleware(ExceptionMiddleware, handlers={Exception: error_reply})
    app.add_middleware(QuestionRates, counter=rates, settings=settings)
    app.add_middleware(Access, rules=rules)
    # A handler of the application for Exception would be outside of all middleware: its reply would lack headers.
    app.add_middleware(ExceptionMiddleware, handlers={Exception: error_reply})
    app.add_middleware(SharedPaths, allowed=rules.allowed_origins)
    app.add_middleware(AllowedHosts, settings=settings)
    app.add_middleware(ReplyHeaders)
    app.add_middleware(RequestLog, metrics=counted, telemetry=pipeline.telemetry, template_of=template_of)
    return app


@asynccontextmanager
async def _lifespan(settings: ServiceSettings, mcp: McpEndpoint | None, app: FastAPI) -> AsyncGenerator[None, None]:
    state: ServiceState = app.state.service
    questions = state.limits.questions
    # Without the cache, which is the event loop's: the maker has a thread of its own.
    pipeline = replace(state.pipeline, cache=None)
    maker = SuggestionMaker(pipeline, state.suggestions, settings.suggestions, lambda: questions.taken > 0)
    threads = ThreadPoolExecutor(question_threads(settings), "question")
    asyncio.get_running_loop().set_default_executor(threads)
    maker.start()
    watching = [asyncio.create_task(_watch(state, maker, settings.poll_s))]
    if settings.retention_days:
        watching.append(asyncio.create_task(_delete_old_feedback(state, timedelta(days=settings.retention_days))))
    try:
        async with mcp.running() if mcp else nullcontext():
            yield
    finally:
        for task in watching:
            await cancel(task)
        await maker.stop()
        state.close()
        await state.rates.close()
        await state.pipeline.close()


async def _watch(state: ServiceState, maker: SuggestionMaker, seconds: float) -> None:
    """Open each new generation while the service runs; log an error once until it changes."""
    logged, served, pipeline = "", "", state.pipeline
    while True:
        failure: DatelineError | None = None
        try:
            # Opening a generation takes long; questions keep their threads.
            await state.read(pipeline.library.refresh)
            async with pipeline.pinned() as generation:
                if generation.name != served:
                    served = generation.name
                    if pipeline.cache:
                        pipeline.cache.clear()
                    await state.read(_forget_removed_articles, pipeline, generation)
                    logger.info("answering from generation %s", served)
                    maker.renew()
        except DatelineError as error:
            failure = error
        message = str(failure or pipeline.library.error or "")
        if message and message != logged:
            logger.warning("%s", message)
        logged = message
        await asyncio.sleep(seconds)


async def _delete_old_feedback(state: ServiceState, age: timedelta) -> None:
    """Delete feedback of that age at the start of the service, and every hour."""
    while True:
        try:
            if count := await state.store(state.feedback.delete_older, age):
                logger.info("deleted %d feedback entries older than %d days", count, age.days)
        except DatelineError as error:
            logger.warning("old feedback was not deleted: %s", error)
        await asyncio.sleep(3_600)


def _forget_removed_articles(pipeline: Pipeline, generation: Generation) -> None:
    """Forget the sentences of articles that were changed or removed; the others need not be read again."""
    pipeline.scorer.cache_only(frozenset(generation.hashes().values()))


def question_threads(settings: ServiceSettings) -> int:
    """Return the number of threads that answer questions: one for each processor but that of the event loop.

    A language model needs one more, which counts its tokens. Threads that wait for another service are not limited by
    the processors.
    """
    if settings.embedding_model != "local" or settings.chroma_url:
        return settings.max_questions
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, max(1, processors - 1)) + bool(settings.llm_model)


class _Server(uvicorn.Server):
    """A server that exits with 0 on a signal, and ends open streams in time."""

    def __init__(self, config: uvicorn.Config, state: ServiceState) -> None:
        super().__init__(config)
        self._state = state

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal, which uvicorn would raise again at the end."""
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, self._stop, signal_)
        yield
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(signal_)

    def _stop(self, signal_: signal.Signals) -> None:
        self.handle_exit(signal_, None)
        asyncio.get_running_loop().call_later(STREAM_GRACE_S, self._state.stopping.set)


def run(settings: ServiceSettings) -> None:
    """Serve until a signal; raises ConfigurationError for settings that do not fit together."""
    sys.setswitchinterval(SWITCH_S)
    start_log(settings.log_format)
    pipeline = build_pipeline(settings, telemetry=exporting_to(settings.otlp_endpoint))
    app = create_app(settings, pipeline)
    app.state.service.access.check_address()
    _Server(server_config(app, settings.host, settings.port), app.state.service).run()


def server_config(
    app: FastAPI, host: str, port: int, protocol: type[GuardedProtocol] = GuardedProtocol
) -> uvicorn.Config:
    """Return the configuration of uvicorn: with our protocol, and without a log of its own."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=cast("Any", partial(protocol, count_refusal=app.state.service.metrics.count_error)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
