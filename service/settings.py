"""The settings of the service, read once from the environment or `.env`."""

from typing import Self

from pydantic import Field, model_validator

from index.settings import IndexSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServiceSettings(IndexSettings):
    """Where the service listens, which language model it may ask, and its limits."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    allow_anonymous: bool = Field(
        default=False, description="Set to 1 to listen on more than loopback, where anybody who reaches it may ask."
    )
    llm_model: str | None = Field(
        None,
        description="Model that writes the answers, with `OPENAI_API_KEY` and/or `OPENAI_BASE_URL`; unset: sentences"
        " are quoted by the extractive reader.",
    )
    llm_deadline_s: float = Field(30.0, gt=0, le=600, description="Seconds a model call may take, retries included.")
    llm_max_output_tokens: int = Field(800, ge=16, le=32_000, description="Tokens a model's answer may have.")
    llm_prompt_tokens: int = Field(6_000, ge=200, le=1_000_000, description="Tokens the passages in a prompt may have.")
    max_questions: int = Field(32, ge=1, le=10_000, description="Questions answered at once; further ones get 503.")
    feedback_limit: int = Field(
        10_000,
        ge=0,
        le=10_000_000,
        description="Entries of readers' feedback that are stored; further ones are refused. 0 takes none.",
    )
    poll_s: float = Field(2.0, gt=0, le=60, description="Seconds between looks for a new generation of the index.")

    @model_validator(mode="after")
    def _model_has_a_service(self) -> Self:
        if self.llm_model and not (self.openai_api_key or self.openai_base_url):
            raise ValueError(
                f"DATELINE_LLM_MODEL is {self.llm_model!r}, but there is neither OPENAI_API_KEY nor OPENAI_BASE_URL:"
                " set one of them, or unset the model to answer without one"
            )
        return self

    @model_validator(mode="after")
    def _open_to_others_only_on_purpose(self) -> Self:
        if self.host not in LOOPBACK and not self.allow_anonymous:
            raise ValueError(
                f"DATELINE_HOST is {self.host!r}, which others can reach, and nobody is asked for a key: listen on"
                " 127.0.0.1, or set DATELINE_ALLOW_ANONYMOUS=1 if that is meant"
            )
        return self
