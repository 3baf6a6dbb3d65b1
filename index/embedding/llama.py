"""Embeddings from any LlamaIndex `BaseEmbedding`, named by its class path."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from index.embedding import Matrix, RemoteEmbedder, Vector
from index.errors import ConfigurationError, EmbeddingFailed

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

SECRETS = ("key", "token", "secret", "password")


class LlamaIndexEmbedder(RemoteEmbedder):
    """Vectors of the LlamaIndex embedding class at `class_path`, made with `options`.

    The name is the class path with a digest of the options, but for those whose names end like a secret's: a changed
    option gives other vectors, a changed key does not. Any error of the class becomes one of ours, because the errors
    of its vendor are unknown here: hence the broad excepts. Raises ConfigurationError if the path does not name an
    embedding class, or the class refuses the options.
    """

    def __init__(self, class_path: str, options: Mapping[str, object]) -> None:
        super().__init__(f"{class_path}#{_digest(options)}")
        self._class_path = class_path
        self._embedding = _constructed(class_path, options)

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        try:
            rows = self._embedding.get_text_embedding_batch(list(texts))
        except Exception as error:
            raise self._failed(error) from error
        return self._unit(rows, len(texts))

    def embed_query(self, text: str) -> Vector:
        try:
            row = self._embedding.get_query_embedding(text)
        except Exception as error:
            raise self._failed(error) from error
        only: Vector = self._unit([row], 1)[0]
        return only

    def close(self) -> None:
        """Do nothing: LlamaIndex embeddings cannot be closed."""

    def _failed(self, error: Exception) -> EmbeddingFailed:
        return EmbeddingFailed(
            f"{self._class_path} gave no embeddings: {type(error).__name__}: {error}",
            "Check DATELINE_EMBEDDING_OPTIONS, and that the service or model behind the class can be reached.",
        )


def _constructed(class_path: str, options: Mapping[str, object]) -> "BaseEmbedding":
    embedding_class = _class(class_path)
    try:
        return embedding_class(**options)
    except Exception as error:
        raise ConfigurationError(
            f"{class_path} refuses DATELINE_EMBEDDING_OPTIONS: {_described(error)}",
            f"Found the options: {', '.join(options) or 'none'}. See the documentation of the class.",
        ) from error


def _class(class_path: str) -> "type[BaseEmbedding]":
    from llama_index.core.base.embeddings.base import BaseEmbedding

    hint = "Set DATELINE_EMBEDDING_MODEL to the path of an installed LlamaIndex embedding, as package.module.Class."
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{class_path} cannot be imported: {error}", hint) from error
    if not (isinstance(found, type) and issubclass(found, BaseEmbedding)):
        raise ConfigurationError(f"{class_path} is not a LlamaIndex BaseEmbedding", hint)
    return found


def _described(error: Exception) -> str:
    # Pydantic's own text quotes the values, and one may be a key.
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return f"{type(error).__name__}: {error}"


def _digest(options: Mapping[str, object]) -> str:
    canonical = json.dumps(_without_secrets(options), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _without_secrets(options: object) -> object:
    if isinstance(options, Mapping):
        return {
            name: _without_secrets(value) for name, value in options.items() if not str(name).lower().endswith(SECRETS)
        }
    if isinstance(options, list):
        return [_without_secrets(value) for value in options]
    return options
