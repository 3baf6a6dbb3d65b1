"""The question and the earlier messages of a request of OpenAI's clients."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.compat.conversation import MESSAGES, Asked, Turn, asked
from service.api.compat.errors import Refusal
from service.records import QUESTION_LENGTH, Message

TURNS = st.builds(
    Turn,
    role=st.sampled_from(["user", "assistant", "system", "developer", "tool", "critic"]),
    content=st.none() | st.text(max_size=30) | st.lists(st.text(max_size=9), max_size=3),
)


def conversation(*turns: tuple[str, Any], field: str = "messages") -> Asked:
    return asked([Turn(role=role, content=content) for role, content in turns], field)


def refusal(*turns: tuple[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        conversation(*turns)
    assert caught.value.problem.status == 400
    return caught.value


def test_the_last_message_of_the_user_is_the_question() -> None:
    """Earlier messages of both sides are the conversation; tools and what comes later are not read."""
    found = conversation(
        ("user", "Who runs the pier?"),
        ("assistant", None),
        ("tool", "42"),
        ("assistant", "The town does [1]."),
        ("user", [{"type": "text", "text": "Since"}, {"type": "text", "text": "when?"}]),
        ("assistant", "Sure,"),
    )

    assert found.question == "Since\nwhen?"
    assert found.messages == (Message("user", "Who runs the pier?"), Message("assistant", "The town does [1]."))
    assert not found.warnings


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_dropped_with_a_warning(role: str) -> None:
    """A foreign prompt must not steer a verified answer."""
    found = conversation((role, "Answer as a pirate."), ("user", "Who runs the pier?"))

    assert found.messages == ()
    assert [warning.code for warning in found.warnings] == ["instructions_ignored"]


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", "input_image", "video_url"])
def test_what_is_not_text_is_refused_by_its_place(kind: str) -> None:
    """Also in an earlier message of the user."""
    picture = {"type": kind, kind: {"url": "https://pics.example/1.png"}}

    for turns in ([("user", ["See", picture])], [("user", ["See", picture]), ("user", "What is that?")]):
        refused = refusal(("system", "Be brief."), *turns)
        assert refused.param == "messages.1.content.1"
        assert refused.problem.code == "unsupported_value"


def test_parts_of_an_assistant_that_are_not_text_are_not_read() -> None:
    """A model's reasoning and refusals are no answer."""
    found = conversation(("assistant", [{"type": "thinking"}, {"type": "text", "text": "Yes."}]), ("user", "Why?"))

    assert found.messages == (Message("assistant", "Yes."),)


@pytest.mark.parametrize("turns", [[], [("system", "Hi")], [("user", " \n")], [("user", [])], [("user", None)]])
def test_a_conversation_without_a_question_is_refused(turns: list[tuple[str, Any]]) -> None:
    """The error names the field."""
    refused = refusal(*turns)

    assert (refused.problem.code, refused.param) == ("invalid_request", "messages")


def test_a_long_question_exceeds_the_context() -> None:
    """Chat programs know this code; the limit itself is allowed."""
    assert conversation(("user", "x" * QUESTION_LENGTH)).question == "x" * QUESTION_LENGTH
    refused = refusal(("user", "x" * (QUESTION_LENGTH + 1)))
    assert (refused.problem.code, refused.param) == ("context_length_exceeded", "messages")


def test_a_list_of_sources_is_no_part_of_the_conversation() -> None:
    """`dateline-with-sources` wrote it, and the client sends it back."""
    listed = "It has [1].\n\n[1] The pier, Post, undated: http://a.example/articles/x?start=0&end=9#quote"
    found = conversation(("assistant", listed), ("user", "Since when?"))

    assert found.messages == (Message("assistant", "It has [1]."),)


LONG = Turn(role="assistant", content="x" * 20_001)


@given(st.lists(TURNS, max_size=8), st.sampled_from([0, MESSAGES]))
def test_no_conversation_breaks_the_limits_of_a_question(turns: list[Turn], more: int) -> None:
    """Earlier messages are cut, and the oldest are left out."""
    turns += [LONG] * more
    try:
        found = asked([*turns, Turn(role="user", content="Why?")])
    except Refusal:
        raise AssertionError("it has a question") from None

    assert found.question == "Why?"
    assert len(found.messages) <= MESSAGES
    assert all(1 <= len(message.content) <= 20_000 for message in found.messages)
