"""The HTTP application: a pipeline in, a FastAPI app out."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from index.errors import DatelineError
from index.generation import Generation
from service.api import archive, articles, ask, docs, feedback, health, pages, widget
from service.api.admission import Admission, Limits, Places
from service.api.body_limit import BodyLimit
from service.api.every_reply import EveryReply
from service.api.hosts import Hosts, allowed_hosts, listens_everywhere
from service.api.media_types import MediaTypes
from service.api.origins import Origins
from service.api.problems import add_problems
from service.api.request_id import RequestIds
from service.api.service_state import ServiceState, question_threads
from service.api.tasks import end, on
from service.api.unexpected import unexpected
from service.feedback import FeedbackStore
from service.pipeline import Pipeline
from service.settings import ServiceSettings

logger = logging.getLogger("dateline")

DESCRIPTION = "Answers questions from a newsroom's own articles, with citations that a reader can check."


def create_app(settings: ServiceSettings, pipeline: Pipeline) -> FastAPI:
    """The application around a pipeline; opening and watching the index begin with its lifespan."""
    app = FastAPI(
        title="Dateline",
        description=DESCRIPTION,
        version=version("dateline"),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.poll_s = settings.poll_s
    app.state.allowed_origins = settings.allowed_origins
    app.state.public_url = settings.public_url
    app.state.question_threads = question_threads(settings)
    app.state.service = ServiceState(pipeline, limits := Limits(Places(settings.max_questions)))
    app.state.feedback = FeedbackStore(settings.data, settings.feedback_limit, settings.feedback_megabytes * 1_000_000)
    for part in (ask, articles, feedback, health, pages, archive, widget, docs):
        app.include_router(part.router)
    add_problems(app)
    app.add_exception_handler(Exception, unexpected)
    # Each is inside of the next: a request passes the last one first.
    app.add_middleware(Admission, limits=limits)
    app.add_middleware(BodyLimit)
    app.add_middleware(MediaTypes)
    app.add_middleware(Origins, allowed=settings.allowed_origins)
    app.add_middleware(Hosts, allowed=allowed_hosts(settings), any_address=listens_everywhere(settings))
    app.add_middleware(EveryReply)
    app.add_middleware(RequestIds)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    state: ServiceState = app.state.service
    threads = ThreadPoolExecutor(app.state.question_threads, "question")
    asyncio.get_running_loop().set_default_executor(threads)
    watching = asyncio.create_task(_watch(state, app.state.poll_s))
    try:
        yield
    finally:
        await end(watching)
        state.close()
        await state.pipeline.close()


async def _watch(state: ServiceState, seconds: float) -> None:
    """Look for a new generation for as long as the service runs; log each kind of trouble once."""
    logged, pipeline = "", state.pipeline
    while True:
        trouble: DatelineError | None = None
        try:
            # To open a generation takes long; questions keep their threads.
            if await on(state.reading, pipeline.library.refresh):
                async with pipeline.pinned() as generation:
                    await on(state.reading, _forget_what_is_gone, pipeline, generation)
                    logger.info("answering from generation %s", generation.name)
        except DatelineError as error:
            trouble = error
        said = str(trouble or pipeline.library.trouble or "")
        if said and said != logged:
            logger.warning("%s", said)
        logged = said
        await asyncio.sleep(seconds)


def _forget_what_is_gone(pipeline: Pipeline, generation: Generation) -> None:
    """Forget what was read in articles that were changed or taken down since; what stays needs no reading again."""
    pipeline.weigher.forget_all_but(frozenset(generation.catalog.hashes().values()))
