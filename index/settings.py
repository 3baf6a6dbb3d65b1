"""The settings of the index, read once from the environment or `.env`."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LogFormat = Literal["text", "json"]


class IndexSettings(BaseSettings):
    """The location and the configuration of the index."""

    model_config = SettingsConfigDict(
        env_prefix="DATELINE_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    data: Path = Field(Path("data"), description="Folder of the index: segments, generations, models, lock.")
    models: Path | None = Field(
        None,
        description="Folder of the local model's graphs, may be read-only; default `models` in the data folder.",
    )
    embedding_model: str = Field(
        "local",
        description="`local` (MiniLM in process), `openai:NAME` (any OpenAI-compatible service), or the class path of a"
        " LlamaIndex `BaseEmbedding`.",
    )
    embedding_graph: Literal["int8", "int8-reduced", "fp32"] = Field(
        "int8",
        description="Numbers in which the local model computes: `dateline doctor --benchmark` recommends one."
        " `int8-reduced` is for machines of several kinds. A change needs `dateline ingest --rebuild`.",
    )
    embedding_options: Annotated[dict[str, Any], NoDecode] = Field(
        default_factory=dict, description="Arguments of the LlamaIndex embedding class, as a JSON object."
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="Key of the OpenAI-compatible service, if it needs one."
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        description="Address of the OpenAI-compatible service.",
    )
    language: str = Field("english", description="Language of the lexical index: a Snowball stemmer's name.")
    keep_generations: int = Field(
        3, ge=1, description="Number of different contents of the index to keep, including the current one."
    )
    chroma_url: str | None = Field(
        None,
        validation_alias="CHROMA_URL",
        description="Address of a Chroma server (`chroma run`) that searches large segments; unset: this process.",
    )
    store: str | None = Field(
        None,
        description="Address of the object store through which replicas get the index, such as `s3://bucket/paper`.",
    )

    log_format: LogFormat = Field(
        "text",
        description="Form of the log of the service and the writer: `text`, or `json` with an object on each line.",
    )

    @field_validator("embedding_options", mode="before")
    @classmethod
    def _parse_options(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f'found {value!r}, expected a JSON object such as {{"batch_size": 32}}') from error

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        import Stemmer

        if value not in Stemmer.algorithms():
            raise ValueError(f"found {value!r}, expected one of {', '.join(Stemmer.algorithms())}")
        return value

    @property
    def models_folder(self) -> Path:
        """Return the folder of the local model's graphs."""
        return self.models or self.data / "models"
