"""Chores of chat programs, as each of them sends them, and questions that look alike."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.api.compat.chat_request import ChatRequest
from service.api.compat.chores import TITLE_LENGTH, TITLE_WORDS, chore_of, title_of
from tests.service.api.compat.chunks import joined, read_chunks

SENT: list[dict[str, Any]] = json.loads(Path(__file__).with_name("chores_sent.json").read_text(encoding="utf-8"))
NAMES = [f"{sent['ui']}: {sent['what']}" for sent in SENT]
QUESTIONS = [
    '### Task:\nRespond to the user by the context, with "title" and "tags".\n<context>Ferries sail.</context>\nWhen?',
    "Given the following articles, what is the title for the chat that is shown?",
    "Provide a concise answer: who runs the pier?",
    "Your task is to tell me who runs the pier.",
    "Which title did the conversation of the mayors have?",
]


@pytest.mark.parametrize("sent", SENT, ids=NAMES)
def test_a_chore_is_answered_as_its_program_wants(client: TestClient, sent: dict[str, Any]) -> None:
    """The reply has no id of an answer and no sources. It is counted; programs that send a schema count as one."""
    reply = client.post("/v1/chat/completions", json=sent["request"])

    assert reply.status_code == 200, reply.text
    message = (
        joined(read_chunks(reply.text)) if sent["request"].get("stream") else reply.json()["choices"][0]["message"]
    )
    if tool := sent.get("tool"):
        call = message["tool_calls"][0]
        assert (call["function"]["name"], message["content"]) == (tool, None)
        assert json.loads(call["function"]["arguments"]) == sent["content"]
    else:
        said = message["content"]
        assert (json.loads(said) if isinstance(sent["content"], dict) else said) == sent["content"]
    service: Any = client.app
    counted = f'dateline_chores_total{{ui="{sent.get("counted", sent["ui"])}"}}'
    assert counted in service.state.service.metrics.exposition().decode()
    assert "ans_" not in reply.text
    assert 'dateline":' not in reply.text


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("system", ["", "You are a title writer. Summarize the conversation of our readers."])
def test_a_question_is_no_chore(question: str, system: str) -> None:
    """Words of a chore in a question, or in a newsroom's instructions, do not make one."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    request = ChatRequest.model_validate({"model": "dateline", "messages": messages})

    assert chore_of(request.messages, request.most_tokens, request.shape) is None


def test_a_conversation_is_no_chore() -> None:
    """A chore is one message."""
    prompt = SENT[0]["request"]["messages"][0]
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, prompt]
    request = ChatRequest.model_validate({"model": "dateline", "messages": messages})

    assert chore_of(request.messages) is None


@given(st.text(max_size=200))
def test_a_title_is_short_and_not_empty(text: str) -> None:
    """On one line."""
    title = title_of(text)

    assert 1 <= len(title) <= TITLE_LENGTH
    assert len(title.split()) <= TITLE_WORDS
    assert "\n" not in title
