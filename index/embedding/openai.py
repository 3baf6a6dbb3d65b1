"""Embeddings from an OpenAI-compatible service."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from pydantic import BaseModel, ValidationError

from index.embedding import Matrix, RemoteEmbedder, Vector
from index.errors import ConfigurationError, EmbeddingFailed

if TYPE_CHECKING:
    from openai import APIError, OpenAI

OFFICIAL = "https://api.openai.com/v1"
MOST_TEXTS = 128
MOST_CHARACTERS = 100_000
MOST_BYTES = 64_000_000
"""Largest reply read, in bytes: 128 vectors of 16,000 numbers, with 31 characters a number."""

HINTS = {
    400: "Check DATELINE_EMBEDDING_MODEL: the service refuses embedding requests for this model.",
    401: "Check OPENAI_API_KEY: the service did not accept it.",
    403: "Check OPENAI_API_KEY: it may not use this model.",
    404: "Check DATELINE_EMBEDDING_MODEL and OPENAI_BASE_URL (most end in /v1): the service does not know them.",
    429: "Try again later, or raise the account's limits: there were too many requests, or the credit is used up.",
}
UNREACHED = "Check that OPENAI_BASE_URL is right and that the service runs and can be reached from here."
NOT_EMBEDDINGS = "Check OPENAI_BASE_URL (most end in /v1): the server there is not an OpenAI-compatible service."
SERVICE_ERROR = "Try again later: the service reports an internal error."


class _Item(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Item]


class OpenAIEmbedder(RemoteEmbedder):
    """Vectors of a model behind an OpenAI-compatible `/embeddings`; close it when done.

    The name has only the model: the same model at another `base_url` counts as the same. Address and key come from the
    arguments alone; proxies of the environment are not used. A request waits `timeout` seconds and is retried up to
    `retries` times after errors that may pass. Raises ConfigurationError if key and address are both missing, or the
    address is invalid.
    """

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
                "Set OPENAI_API_KEY, or OPENAI_BASE_URL for your own service, or DATELINE_EMBEDDING_MODEL=local.",
            )
        super().__init__(f"openai:{model}")
        self._model = model
        self._base_url = base_url or OFFICIAL
        self._client = _client(api_key or "unused", self._base_url, timeout, retries)

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        batches = [self._unit(self._request(batch), len(batch)) for batch in _batches(texts)]
        return np.concatenate(batches) if batches else np.empty((0, self.dimension), np.float32)

    def embed_query(self, text: str) -> Vector:
        only: Vector = self._unit(self._request([text]), 1)[0]
        return only

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _request(self, texts: list[str]) -> list[list[float]]:
        from openai import APIError

        # The raw reply, because the client returns any JSON as if it were embeddings.
        ask = self._client.embeddings.with_raw_response.create
        try:
            raw = ask(model=self._model, input=texts, encoding_format="float").content
            items = sorted(_Reply.model_validate_json(raw).data, key=lambda item: item.index)
        except APIError as error:
            raise self._failed(error) from error
        except ValidationError as error:
            found = raw[:80].decode("utf-8", "replace")
            raise EmbeddingFailed(f"{self._base_url} gave no embeddings but {found!r}", NOT_EMBEDDINGS) from error
        if [item.index for item in items] != list(range(len(texts))):
            problem = f"{self._base_url} gave {len(items)} embeddings for {len(texts)} texts, or misnumbered them"
            raise EmbeddingFailed(problem, NOT_EMBEDDINGS)
        return [item.embedding for item in items]

    def _failed(self, error: "APIError") -> EmbeddingFailed:
        from openai import APIStatusError

        asked = f"{self._base_url} gave no embeddings of {self._model}"
        if isinstance(error, APIStatusError):
            hint = SERVICE_ERROR if error.status_code >= 500 else HINTS.get(error.status_code, HINTS[400])
            return EmbeddingFailed(f"{asked}: {error.message}", hint)
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        return EmbeddingFailed(f"{asked}: {error.message}{cause}", UNREACHED)


def _client(api_key: str, base_url: str, timeout: float, retries: int) -> "OpenAI":
    from openai import DefaultHttpxClient, OpenAI

    from index.response_limit import UNENCODED, limit_response, tls_context

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
        verify=tls_context(trust_env=False),
        follow_redirects=False,
        event_hooks={"response": [lambda response: limit_response(response, MOST_BYTES)]},
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
    """Yield the texts in order, in batches that fit a request; a text beyond the limit gets its own."""
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
