"""The settings of an evaluation, read once from the environment or `.env`."""

from pydantic import Field, SecretStr, field_validator

from index.settings import IndexSettings


class EvalSettings(IndexSettings):
    """The key for the service that an evaluation asks."""

    eval_key: SecretStr | None = Field(
        None, description="Key that `dateline eval run --target` sends to the service, if it needs one."
    )

    @field_validator("eval_key")
    @classmethod
    def _fits_into_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        # The error of a header that cannot be sent would quote the key.
        if value is not None and not all("!" <= character <= "~" for character in value.get_secret_value()):
            raise ValueError("found a space, a line break or a letter that is not ASCII, expected a key as it was made")
        return value
