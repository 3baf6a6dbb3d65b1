"""From the settings to the embedder they name."""

from index.embedding import Embedder
from index.errors import ConfigurationError
from index.settings import IndexSettings

LOCAL = "local"
OPENAI = "openai:"


def build_embedder(settings: IndexSettings) -> Embedder:
    """The embedder that `embedding_model` names; raises ConfigurationError where there is none or it cannot start."""
    model = settings.embedding_model
    if model == LOCAL:
        from index.embedding.local import LocalEmbedder

        return LocalEmbedder(settings.models_folder)
    if model.startswith(OPENAI) and model != OPENAI:
        from index.embedding.openai import OpenAIEmbedder

        key = settings.openai_api_key
        return OpenAIEmbedder(
            model.removeprefix(OPENAI),
            api_key=key.get_secret_value() if key else None,
            base_url=settings.openai_base_url,
        )
    if "." in model and not model.startswith(OPENAI):
        from index.embedding.llama import LlamaIndexEmbedder

        return LlamaIndexEmbedder(model, settings.embedding_options)
    raise ConfigurationError(
        f"found {model!r} as the embedding model",
        "Set DATELINE_EMBEDDING_MODEL to `local`, to `openai:NAME`, or to the class path of a LlamaIndex embedding.",
    )
