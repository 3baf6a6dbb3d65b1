"""The settings of the service, read once from the environment or `.env`."""

import re
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from index.settings import IndexSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")

_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?")
_PUBLIC_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_REDIS_URL = re.compile(r"(?:redis|valkey)s?://[^/]")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ServiceSettings(IndexSettings):
    """The address, the language model and the limits of the service."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    allow_anonymous: bool = Field(
        default=False,
        description="Set to 1 to answer questions without a key, wherever the service listens and whatever keys exist."
        " Unset: only on loopback, and only until the first key is created.",
    )
    llm_model: str | None = Field(
        None,
        description="Model that writes the answers, with `OPENAI_API_KEY` and/or `OPENAI_BASE_URL`; unset: the"
        " extractive reader quotes sentences.",
    )
    llm_deadline_s: float = Field(
        30.0, gt=0, le=600, description="Limit of a question's model calls in seconds, retries included."
    )
    llm_max_output_tokens: int = Field(800, ge=16, le=32_000, description="Limit of a model's answer in tokens.")
    llm_prompt_tokens: int = Field(
        6_000, ge=200, le=1_000_000, description="Limit of the passages in a prompt in tokens."
    )
    span_reader: bool = Field(
        default=True,
        description="Rank quotes with the trained span reader, and compare articles with the pair reader; 0 answers"
        " about 100 ms sooner, but less often right, and finds fewer conflicts.",
    )
    stale_after_days: int = Field(
        180,
        ge=1,
        le=36_500,
        description="Age of an article in days from which an answer about the present has a warning.",
    )
    max_questions: int = Field(16, ge=1, le=10_000, description="Questions answered at once; others get 503.")
    address_per_minute: int = Field(
        60,
        ge=0,
        le=1_000_000,
        description="Questions and searches in a minute from one address (an IPv4 address, an IPv6 /64) without a key"
        " or with a publishable one; others get 429. Loopback addresses are not limited; 0 limits none.",
    )
    key_per_minute: int = Field(
        300,
        ge=0,
        le=1_000_000,
        description="Questions and searches in a minute with one key that has no limit of its own; others get 429. 0"
        " sets no limit.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Redis or Valkey server that counts the questions of a minute for several processes, such as"
        " `redis://127.0.0.1:6379` or `valkey://…`; needs `make install-all`. Unset: each process counts its own.",
    )
    tokens_per_day: int = Field(
        5_000_000,
        ge=0,
        le=1_000_000_000_000,
        description="Tokens of the language model in a day (UTC), of all callers and the suggestions together; beyond"
        " it sentences are quoted. 0 sets no limit.",
    )
    key_tokens_per_day: int = Field(
        2_000_000,
        ge=0,
        le=1_000_000_000_000,
        description="Tokens of the language model in a day for one key that has no limit of its own; 0 sets no limit.",
    )
    usd_per_day: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="List price in USD of the calls of the language model in a day, for a model whose price is known;"
        " unset: no limit.",
    )
    answer_cache: int = Field(
        256,
        ge=0,
        le=100_000,
        description="Limit of answers kept in memory for the same question on the same day; 0 keeps none.",
    )
    feedback_limit: int = Field(
        10_000,
        ge=0,
        le=10_000_000,
        description="Limit of stored feedback entries; others are refused. 0 stores none.",
    )
    feedback_megabytes: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Limit of the file of feedback in megabytes; further feedback is refused.",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Days after which feedback is deleted; unset: it is kept until it is deleted by hand.",
    )
    public_url: str | None = Field(
        None,
        description="Address at which users reach the service, such as `https://ask.news.example`. Its host name is"
        " allowed, the page at `/developers` shows it to copy, and links to answers begin with it.",
    )
    signing_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret that signs the links to answers, the same for services that share them; unset:"
        " `links.key`, made once in the data folder.",
    )
    push_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret with which a CMS pushes articles to `/v1/articles/…`, as `Authorization: Bearer`; a key"
        " with the scope ingest does the same.",
    )
    pages_key: SecretStr | None = Field(
        None,
        description="Publishable key under which anybody sees the pages and asks on them, where the service needs keys;"
        " its conditions apply to the pages. Visitors can read it.",
    )
    mcp: bool = Field(
        default=False,
        description="Set to 1 to serve the Model Context Protocol at `/mcp`; needs `make install-all`.",
    )
    allow_indexing: bool = Field(
        default=False,
        description="Set to 1 to let search engines index the pages; pages of answers are never indexed.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="More host names that the service answers to, without ports, separated by commas. Loopback names,"
        " `DATELINE_HOST` and the host of `DATELINE_PUBLIC_URL` are always allowed.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins such as `https://news.example`, separated by commas, whose pages may ask `/v1/…` and frame"
        " `/embed`; unset: only the service's own.",
    )
    suggestions: int = Field(
        40,
        ge=0,
        le=1_000,
        description="Limit of suggested questions, made from the newest articles and answered once before they are"
        " shown; with a language model, up to 10 calls for a new index. 0 makes none.",
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Address of an OpenTelemetry collector, such as `http://127.0.0.1:4317`, that gets the spans of"
        " requests, retrievals and calls of models over gRPC; unset: no spans are made.",
    )
    poll_s: float = Field(1.0, gt=0, le=60, description="Seconds between checks for a new generation of the index.")

    @field_validator("public_url", "otlp_endpoint")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value and not _PUBLIC_URL.fullmatch(value):
            raise ValueError(f"found {value!r}, expected http:// or https:// and a host name, without a path")
        return value or None

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _HOST.fullmatch(name):
                raise ValueError(f"found {name!r}, expected a host name such as ask.news.example: no scheme, port or *")
        return value

    @field_validator("allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(exact_origin(origin) for origin in value)

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        # The value is not repeated: it may have a password.
        if value and not _REDIS_URL.match(value.get_secret_value()):
            raise ValueError("expected redis://, rediss://, valkey:// or valkeys:// with a host name and a port")
        return value

    @field_validator("pages_key")
    @classmethod
    def _publishable(cls, value: SecretStr | None) -> SecretStr | None:
        # The value is not repeated: it may be a secret key.
        if value and not value.get_secret_value().startswith("dlp_"):
            raise ValueError("expected a publishable key, which begins with dlp_: visitors of the pages can read it")
        return value


def exact_origin(origin: str) -> str:
    """Return an origin that is written as browsers send it; raises ValueError for any other text."""
    found = _ORIGIN.fullmatch(origin)
    port = int(found[3]) if found and found[3] else None
    if not found or port == 0 or (port or 0) > 65535:
        raise ValueError(
            f"found {origin!r}, expected an origin as browsers send it, such as https://news.example or"
            " http://localhost:3000: lower case, no path, no closing slash, no *"
        )
    if port == _DEFAULT_PORTS[found[1]]:
        raise ValueError(f"found {origin!r}, but browsers omit the default port: expected {found[1]}://{found[2]}")
    return origin
