"""Recordings: calls of a scripted model on loopback are kept and come out the same; no real model is recorded here."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.errors import GoldInvalid, RecordingStale, RunIncomplete
from eval.recorder import RecordingChat, start_recording
from eval.recording import CallKind, MadeWith, Recording, read_recording, write_recording
from eval.replay import RecordedChat
from service.errors import ReaderCutOff
from service.readers.chat import Chat, ChatModel, ModelRefused
from service.records import Usage
from tests.scripted_llm import Cut, Reply, Script, ScriptedLLM

MADE_WITH = MadeWith(model="scripted", max_output_tokens=400, prompt_tokens=6000)
KEY_OF_THE_SERVICE = "sk-not-a-real-key"

Call = tuple[CallKind, str, str]
STREAM: Call = ("stream", "Answer.", "What did the lamp cost?")
COMPLETE: Call = ("complete", "Rewrite.", "And the old one?")


async def said(chat: Chat, calls: Sequence[Call], leave_after: int | None = None) -> list[object]:
    """What a chat says to each call, failures by their class; a stream is left after so many pieces."""
    heard: list[object] = []
    try:
        for kind, system, user in calls:
            try:
                if kind == "complete":
                    heard.append(await chat.complete(system, user))
                else:
                    heard.append(await streamed(chat, system, user, leave_after))
            except (ModelRefused, ReaderCutOff) as failure:
                heard.append(type(failure))
    finally:
        await chat.aclose()
    return heard


async def streamed(chat: Chat, system: str, user: str, leave_after: int | None) -> tuple[str, list[Usage]]:
    """The text and usage of a streamed reply; what one that is left had used is counted."""
    pieces: list[str | Usage] = []
    async with aclosing(chat.stream(system, user)) as stream:
        async for piece in stream:
            pieces.append(piece)
            if len(pieces) == leave_after:
                break
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    if leave_after:
        pieces.append(await chat.count(system, user, text))
    return text, [piece for piece in pieces if isinstance(piece, Usage)]


def recorded(
    script: Script | Sequence[Script], calls: Sequence[Call], leave_after: int | None = None
) -> tuple[Recording, list[object]]:
    """What a scripted model said to these calls, and the recording of it."""
    recording = Recording(MADE_WITH)
    with ScriptedLLM(script) as llm:
        chat = ChatModel("scripted", KEY_OF_THE_SERVICE, llm.url, deadline_s=10, max_output_tokens=400)
        heard = asyncio.run(said(RecordingChat(chat, recording), calls, leave_after))
    return recording, heard


def replayed(recording: Recording, calls: Sequence[Call], leave_after: int | None = None) -> list[object]:
    """What a recording says to these calls."""
    return asyncio.run(said(RecordedChat(recording), calls, leave_after))


@pytest.mark.parametrize(
    "script",
    [
        Reply(["It cost ", "48,000 crowns [a1]."]),
        Reply([]),
        Reply(["Half a "], finish="length"),
        Reply(["I would "], refusal="no"),
        Reply(["Half "], finish="content_filter"),
    ],
)
@pytest.mark.parametrize("call", [STREAM, COMPLETE])
def test_a_recorded_call_is_replayed_as_it_was(script: Reply, call: Call) -> None:
    """Text, usage, refusals and early ends are the same without the model."""
    recording, heard = recorded(script, [call])

    assert replayed(recording, [call]) == heard


def test_a_reply_that_was_left_is_replayed_with_its_count() -> None:
    """A caller that had heard enough hears the same again, and what the call used."""
    recording, heard = recorded(Reply(["NOT", " IN THE SOURCES"]), [STREAM], leave_after=1)

    assert replayed(recording, [STREAM], leave_after=1) == heard
    assert [call.finish for call in recording.calls.values()] == ["left"]
    with pytest.raises(RecordingStale, match="left early"):
        replayed(recording, [STREAM])


def test_what_is_recorded_is_not_asked_again() -> None:
    """Two calls alike are one recorded call, and one call of the model."""
    recording, heard = recorded([Reply(["Once."])], [STREAM, STREAM])

    assert heard[0] == heard[1]
    assert len(recording.calls) == 1


def test_a_failure_that_is_not_the_models_ends_the_recording() -> None:
    """A service that is down or refuses the key is no behaviour of the model, and nothing is kept of the call."""
    recording = Recording(MADE_WITH)
    with ScriptedLLM(Reply(status=401, code="invalid_api_key")) as llm:
        chat = ChatModel("scripted", KEY_OF_THE_SERVICE, llm.url, deadline_s=10, max_output_tokens=400)
        with pytest.raises(RunIncomplete, match="401"):
            asyncio.run(said(RecordingChat(chat, recording), [STREAM]))

    assert recording.calls == {}


def test_a_call_that_was_cut_off_is_asked_again(tmp_path: Path) -> None:
    """A broken connection that was recorded is mended by recording again; the other calls are kept."""
    script = [Reply(["Half", Cut()]), Reply(["Whole."])]
    recording, _ = recorded(script, [STREAM, COMPLETE])
    write_recording(tmp_path / "r.jsonl", recording)

    again = start_recording(tmp_path / "r.jsonl", MADE_WITH)

    assert [call.finish for call in recording.calls.values()] == ["cut_off", "stop"]
    assert [call.call for call in again.calls.values()] == ["complete"]


def test_another_model_begins_anew(tmp_path: Path) -> None:
    """What was made with another model or other limits is not taken over."""
    recording, _ = recorded(Reply(["Whole."]), [STREAM])
    write_recording(tmp_path / "r.jsonl", recording)

    assert start_recording(tmp_path / "r.jsonl", MADE_WITH.model_copy(update={"model": "other"})).calls == {}


texts = st.text(max_size=40)


@given(texts, texts, texts, texts)
def test_a_key_changes_with_whatever_was_asked(system: str, user: str, other_system: str, other_user: str) -> None:
    """The same call has the same key; another prompt, kind, model or limit another one."""
    recording = Recording(MADE_WITH)
    key = recording.key("stream", system, user)

    assert key == Recording(MADE_WITH).key("stream", system, user)
    assert (key == recording.key("stream", other_system, other_user)) == ((system, user) == (other_system, other_user))
    assert key != recording.key("complete", system, user)
    for changed in ({"model": "other"}, {"max_output_tokens": 401}):
        assert key != Recording(MADE_WITH.model_copy(update=changed)).key("stream", system, user)


def test_a_file_holds_its_calls_sorted_and_no_secret(tmp_path: Path) -> None:
    """The same calls in another order make the same bytes; neither prompts, nor addresses, nor the key are in it."""
    one, _ = recorded(Reply(["Whole."]), [STREAM, COMPLETE])
    other, _ = recorded(Reply(["Whole."]), [COMPLETE, STREAM])
    write_recording(tmp_path / "one.jsonl", one)
    write_recording(tmp_path / "other.jsonl", other)
    text = (tmp_path / "one.jsonl").read_text(encoding="utf-8")

    assert text == (tmp_path / "other.jsonl").read_text(encoding="utf-8")
    keys = [json.loads(line)["key"] for line in text.splitlines()[1:]]
    assert keys == sorted(keys)
    assert not any(secret in text for secret in (KEY_OF_THE_SERVICE, "127.0.0.1", "What did the lamp cost?", "Answer."))


def test_a_written_recording_is_read_whole(tmp_path: Path) -> None:
    """A file, and a folder of files made alike, give back every call."""
    recording, _ = recorded(Reply(["“Łódź”\u2028 [a1]."]), [STREAM, COMPLETE])
    write_recording(tmp_path / "a.jsonl", Recording(MADE_WITH, dict(list(recording.calls.items())[:1])))
    write_recording(tmp_path / "b.jsonl", Recording(MADE_WITH, dict(list(recording.calls.items())[1:])))

    assert read_recording(tmp_path).calls == recording.calls


def test_recordings_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    """A lane replays one model."""
    write_recording(tmp_path / "a.jsonl", Recording(MADE_WITH))
    write_recording(tmp_path / "b.jsonl", Recording(MADE_WITH.model_copy(update={"model": "other"})))

    with pytest.raises(GoldInvalid, match="model other"):
        read_recording(tmp_path)


def test_without_a_recording_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    """Nothing recorded is nothing measured."""
    with pytest.raises(RunIncomplete, match="dateline eval record"):
        read_recording(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{}\n", "no json\n", '{"model": "m", "max_output_tokens": 1, "prompt_tokens": 1}\n{"key": 5}\n']
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """The file is named, and the line where there is one."""
    (tmp_path / "broken.jsonl").write_text(text, encoding="utf-8")

    with pytest.raises(GoldInvalid, match=r"broken\.jsonl"):
        read_recording(tmp_path / "broken.jsonl")
