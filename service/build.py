"""The composition root: settings → pipeline. The only place that picks implementations."""

import logging
from collections.abc import Callable
from datetime import timedelta

from index.chroma_server import server_of
from index.embedding import Embedder, build_embedder
from index.errors import ConfigurationError
from index.library import Library
from service.citations.verify import Safety, SupportCheck, Thresholds, Verifier
from service.conflicts.pair_reader import PairReader
from service.pipeline import Pipeline
from service.prompts import Prompts, count_tokens, new_fence
from service.readers.answerability import Calibration
from service.readers.chat import Chat, ChatModel, has_price
from service.readers.evidence import PASSAGES_SCORED, SentenceScorer
from service.readers.llm import LlmReader
from service.readers.span_reader import PASSAGES_READ, SpanReader
from service.settings import ServiceSettings
from service.spend import DailyLimits
from service.telemetry import OFF, Telemetry, TracedEmbedder

logger = logging.getLogger("dateline")


def build_pipeline(
    settings: ServiceSettings,
    embedder: Embedder | None = None,
    chat: Chat | None = None,
    fence: Callable[[], str] = new_fence,
    telemetry: Telemetry = OFF,
) -> Pipeline:
    """Build everything that answering needs; the index is opened by the first question or by `Library.refresh`.

    `embedder` and `chat` replace those of the settings, `fence` the random code of a prompt's fences.
    `telemetry` makes spans of retrievals and of the calls of models.
    Raises ConfigurationError if a setting does not work.
    """
    embedder = embedder or build_embedder(settings)
    if telemetry.is_on:
        embedder = TracedEmbedder(embedder, telemetry)
    prompts = Prompts()
    chat = chat or build_chat(settings, telemetry)
    key = settings.openai_api_key
    safety = Safety((key.get_secret_value(),) if key else ())
    verifier = Verifier(SupportCheck(embedder, Thresholds.read()), safety)
    return Pipeline(
        library=Library(settings.data, embedder.name, server_of(settings.chroma_url), embedder.graph),
        embedder=embedder,
        scorer=SentenceScorer(embedder, passages_scored=PASSAGES_READ if settings.span_reader else PASSAGES_SCORED),
        calibration=Calibration.read(),
        verifier=verifier,
        prompts=prompts,
        stale_after=timedelta(days=settings.stale_after_days),
        chat=chat,
        llm=LlmReader(chat, prompts, prompt_tokens=settings.llm_prompt_tokens, fence=fence) if chat else None,
        # It is exact where the embedder is, so that an evaluation is repeatable anywhere.
        span_reader=SpanReader(settings.models_folder, precision="fp32" if embedder.graph == "fp32" else "int8")
        if settings.span_reader
        else None,
        pair_reader=PairReader(settings.models_folder) if settings.span_reader else None,
        fence=fence,
        telemetry=telemetry,
    )


def build_chat(settings: ServiceSettings, telemetry: Telemetry = OFF) -> ChatModel | None:
    """Return the client of the configured language model, or None; raises ConfigurationError for invalid settings."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    if settings.llm_model is None:
        if key:
            logger.info("OPENAI_API_KEY is set and DATELINE_LLM_MODEL is not: answers are quoted, no model is asked.")
        return None
    # Loads openai and the table of tokens now: within the first question they would hold up all others.
    count_tokens("", settings.llm_model)
    return ChatModel(
        settings.llm_model,
        key,
        settings.openai_base_url,
        deadline_s=settings.llm_deadline_s,
        max_output_tokens=settings.llm_max_output_tokens,
        telemetry=telemetry,
    )


def limits_of_day(settings: ServiceSettings) -> DailyLimits:
    """Return the limits of a day; raises ConfigurationError for one in USD if the model's price is unknown."""
    if settings.usd_per_day and settings.llm_model and not has_price(settings.llm_model, settings.openai_base_url):
        raise ConfigurationError(
            f"DATELINE_USD_PER_DAY is set, but the price of {settings.llm_model!r} is unknown",
            "Limit its tokens instead, with DATELINE_TOKENS_PER_DAY.",
        )
    return DailyLimits(settings.tokens_per_day, settings.usd_per_day or 0.0, settings.key_tokens_per_day)
