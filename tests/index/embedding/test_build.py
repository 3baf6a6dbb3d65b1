from pathlib import Path

import pytest
from pydantic import SecretStr

from index.embedding.build import build_embedder
from index.embedding.llama import LlamaIndexEmbedder
from index.embedding.local import LocalEmbedder
from index.embedding.openai import OpenAIEmbedder
from index.errors import ConfigurationError
from index.settings import IndexSettings

MOCK = "llama_index.core.embeddings.mock_embed_model.MockEmbedding"


def test_local_is_the_embedded_model(models: Path, embedder: LocalEmbedder) -> None:
    """`local` is the embedded model, its graph in the folder of the settings."""
    built = build_embedder(IndexSettings(embedding_model="local", models=models))
    assert isinstance(built, LocalEmbedder)
    assert (built.name, built.graph) == (embedder.name, embedder.graph)


def test_openai_is_the_service_of_the_settings() -> None:
    """`openai:NAME` is that model of the service, whatever its name holds."""
    settings = IndexSettings(
        embedding_model="openai:org/embed-1.5:latest",
        openai_api_key=SecretStr("given"),
        openai_base_url="http://127.0.0.1:9/v1",
    )
    built = build_embedder(settings)
    assert isinstance(built, OpenAIEmbedder)
    assert built.name == "openai:org/embed-1.5:latest"
    built.close()


def test_a_class_path_is_a_llama_index_embedding() -> None:
    """A class path is that class, made with the options of the settings."""
    built = build_embedder(IndexSettings(embedding_model=MOCK, embedding_options={"embed_dim": 7}))
    assert isinstance(built, LlamaIndexEmbedder)
    assert built.dimension == 7


@pytest.mark.parametrize("model", ["", "Local", "openai", "openai:", "minilm", "openai/text-embedding-3-small"])
def test_anything_else_is_refused_with_the_three_forms(model: str) -> None:
    """Any other name is refused, quoted, with the three forms it may have."""
    with pytest.raises(ConfigurationError) as raised:
        build_embedder(IndexSettings(embedding_model=model))
    for part in (repr(model), "DATELINE_EMBEDDING_MODEL", "`local`", "`openai:NAME`", "class path"):
        assert part in str(raised.value)
