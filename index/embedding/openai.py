"""Embeddings from an OpenAI-compatible service; the one place that asks it for them."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from pydantic import BaseModel, ValidationError

from index.embedding import Matrix, Vector
from index.embedding.vectors import unit
from index.errors import ConfigurationError, EmbeddingFailed

if TYPE_CHECKING:
    from openai import APIError, OpenAI

OFFICIAL = "https://api.openai.com/v1"
MOST_TEXTS = 128
MOST_CHARACTERS = 100_000
MOST_BYTES = 64_000_000
"""Bytes a reply may have: 128 vectors of 16,000 numbers, with 31 characters a number."""

HINTS = {
    400: "Check DATELINE_EMBEDDING_MODEL: the service takes no such request for it.",
    401: "Check OPENAI_API_KEY: the service did not accept it.",
    403: "Check OPENAI_API_KEY: it may not use this model.",
    404: "Check DATELINE_EMBEDDING_MODEL and OPENAI_BASE_URL (most end in /v1): there is no such model or address.",
    429: "Try again later, or raise the account's limits: the service wants fewer requests or has no credit left.",
}
UNREACHED = "Check that OPENAI_BASE_URL is right and that the service runs and can be reached from here."
STRANGE = "Check OPENAI_BASE_URL (most end in /v1): what answers there is no OpenAI-compatible embedding service."
LATER = "Try again later: the service has trouble of its own."


class _Item(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Item]


class OpenAIEmbedder:
    """Vectors of a model behind an OpenAI-compatible `/embeddings`; close it when done.

    The name is the model's alone: the same model at another `base_url` counts as the same. Only the arguments say where
    requests go and with which key; proxies of the environment are not used. A request waits `timeout` seconds and is
    repeated up to `retries` times where that can help. Raises ConfigurationError where there is neither key nor
    address, or the address is none.
    """

    graph = "remote"

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
    ) -> None:
        if not api_key and not base_url:
            raise ConfigurationError(
                f"the embedding model openai:{model} needs a key or an address, found neither",
                "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a service of your own, or DATELINE_EMBEDDING_MODEL=local.",
            )
        self.name = f"openai:{model}"
        self._model = model
        self._base_url = base_url or OFFICIAL
        self._client = _client(api_key or "unused", self._base_url, timeout, retries)
        self._dimension: int | None = None
        self._probe = Lock()

    @property
    def dimension(self) -> int:
        """How many numbers a vector has; the first call may ask the service, and then raise EmbeddingFailed."""
        with self._probe:
            return self._dimension or len(self.embed_query("dimension"))

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts in their order, shape (n, dimension), asked for in batches; raises EmbeddingFailed."""
        batches = [self._embedded(batch) for batch in _batches(texts)]
        return np.concatenate(batches) if batches else np.empty((0, self.dimension), np.float32)

    def embed_query(self, text: str) -> Vector:
        """The vector of one text, shape (dimension,); raises EmbeddingFailed."""
        only: Vector = self._embedded([text])[0]
        return only

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _embedded(self, texts: list[str]) -> Matrix:
        matrix = unit(self._asked(texts), len(texts), self._dimension)
        self._dimension = matrix.shape[1]
        return matrix

    def _asked(self, texts: list[str]) -> list[list[float]]:
        from openai import APIError

        # The raw reply, because the client hands on any JSON as if it were embeddings.
        ask = self._client.embeddings.with_raw_response.create
        try:
            raw = ask(model=self._model, input=texts, encoding_format="float").content
        except APIError as error:
            raise self._failed(error) from error
        return self._read(raw, len(texts))

    def _read(self, raw: bytes, count: int) -> list[list[float]]:
        try:
            items = sorted(_Reply.model_validate_json(raw).data, key=lambda item: item.index)
        except ValidationError as error:
            found = raw[:80].decode("utf-8", "replace")
            raise EmbeddingFailed(f"{self._base_url} gave no embeddings but {found!r}", STRANGE) from error
        if [item.index for item in items] != list(range(count)):
            raise EmbeddingFailed(
                f"{self._base_url} gave {len(items)} embeddings for {count} texts, or misnumbered them", STRANGE
            )
        return [item.embedding for item in items]

    def _failed(self, error: "APIError") -> EmbeddingFailed:
        from openai import APIStatusError

        asked = f"{self._base_url} gave no embeddings of {self._model}"
        if isinstance(error, APIStatusError):
            return EmbeddingFailed(f"{asked}: {error.message}", _hint(error.status_code))
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        return EmbeddingFailed(f"{asked}: {error.message}{cause}", UNREACHED)


def _hint(status: int) -> str:
    return LATER if status >= 500 else HINTS.get(status, HINTS[400])


def _client(api_key: str, base_url: str, timeout: float, retries: int) -> "OpenAI":
    from openai import DefaultHttpxClient, OpenAI

    from index.bounded import UNENCODED, bound

    try:
        address = urlsplit(base_url)
        known = address.scheme in {"http", "https"} and address.hostname
    except ValueError:
        known = None
    if not known:
        raise ConfigurationError(
            f"found {base_url!r} as the address of the embedding service",
            "Set OPENAI_BASE_URL to an address that starts with http:// or https://, such as http://127.0.0.1:8080/v1.",
        )
    # A redirect would send the articles to an address that is not configured.
    http = DefaultHttpxClient(
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [lambda response: bound(response, MOST_BYTES)]},
    )
    return OpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        max_retries=retries,
        default_headers=UNENCODED,
        http_client=http,
    )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, as many at once as a request may hold; a very long one goes alone."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == MOST_TEXTS or characters + len(text) > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
