"""The fields of a request that both APIs of OpenAI have."""

import pytest

from service.api.compat.chat_request import ChatRequest
from service.api.compat.responses import ResponsesRequest


@pytest.mark.parametrize(
    ("newer", "older", "limit"), [(24, None, 24), (None, 24, 24), (24, 8, 24), (-1, 24, 24), (0, -1, None)]
)
def test_a_limit_that_is_not_positive_is_none(newer: int | None, older: int | None, limit: int | None) -> None:
    """Some clients send 0 or -1 for no limit; then the older name of the field counts."""
    chat = ChatRequest(model="dateline", messages=(), max_completion_tokens=newer, max_tokens=older)

    assert chat.most_tokens == limit
    assert ResponsesRequest(model="dateline", input=(), max_output_tokens=newer).max_output_tokens == (
        newer if newer == 24 else None
    )
