"""The replay lane on a scripted model on loopback: recorded, then asked without it. No real model is recorded."""

from pathlib import Path

import pytest

from eval.errors import RecordingStale, RunIncomplete
from eval.questions import GoldSet, read_gold
from eval.recorder import calls_of, record, start_recording
from eval.recording import MadeWith, read_recording
from eval.replay import run_replay
from eval.run import Measurement, Order
from service.readers.chat import ChatModel
from tests.eval.small_gold import LAMP_QUOTE, QUESTIONS, with_fact, write_gold, write_questions
from tests.scripted_llm import Reply, Request, ScriptedLLM, keys_in

MADE_WITH = MadeWith(model="scripted", max_output_tokens=400, prompt_tokens=6000)
FOLLOW_UP = {
    **with_fact("talk-001", "follow_up", "And what did it cost?", "lamp", LAMP_QUOTE, {"number": 48000}),
    "turns": [
        {"role": "user", "content": "When was the lighthouse lit again?"},
        {"role": "assistant", "content": "On 3 May 2025."},
        {"role": "user", "content": "And what did it cost?"},
    ],
    "asked_at": "2025-06-01",
}


def script(request: Request) -> Reply:
    """Rewrites a follow-up, cites the lamp's passage where there is one, and abstains otherwise."""
    if not request.get("stream"):
        return Reply(["How much did the new lamp cost?"])
    prompt = "".join(message["content"] for message in request["messages"])
    if "48,000 crowns" not in prompt:
        return Reply(["NOT_IN_SOURCES"])
    key = max(keys_in(request), key=prompt[: prompt.index("48,000 crowns")].rfind)
    return Reply(["The new lamp ", f"cost 48,000 crowns [{key}]."])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a gold set in `gold`."""
    folder = tmp_path_factory.mktemp("replay")
    write_gold(folder, (*QUESTIONS, FOLLOW_UP))
    return folder


@pytest.fixture(scope="module")
def gold(folder: Path) -> GoldSet:
    """Four questions, one of them a follow-up."""
    return read_gold(folder / "gold")


@pytest.fixture(scope="module")
def recorded(folder: Path, gold: GoldSet) -> tuple[Measurement, int]:
    """The run of the recording, and how many calls it made; the calls are in `recordings`."""
    out = folder / "recordings" / "scripted.jsonl"
    with ScriptedLLM(script) as llm:
        chat = ChatModel("scripted", None, llm.url, deadline_s=20, max_output_tokens=400)
        measured = record(gold, chat, start_recording(out, MADE_WITH), folder / "models", out)
        assert len(llm.requests) == measured[1]
    return measured


def test_a_replayed_run_is_the_recorded_one(folder: Path, gold: GoldSet, recorded: tuple[Measurement, int]) -> None:
    """Without the model the run has the same bytes, in the lane `replay`, and every recorded call was used."""
    run, made = recorded[0].run, recorded[1]
    again = run_replay(gold, Order(), folder / "models", recordings=folder / "recordings")

    assert again.run.model_dump_json() == run.model_dump_json()
    assert again.notes == []
    assert (run.header.lane, run.header.reader, run.header.model) == ("replay", "llm@1", "scripted")
    answers = {prediction.id: prediction.reply for prediction in run.predictions}
    lamp, follow_up = answers["lamp-001"], answers["talk-001"]
    assert lamp is not None
    assert lamp["status"] == "answered"
    assert follow_up is not None
    assert follow_up["retrieval"]["standalone_question"] == "How much did the new lamp cost?"
    assert 0 < made <= calls_of(gold)


@pytest.mark.usefixtures("recorded")
def test_a_prompt_that_changed_is_stale(folder: Path, tmp_path: Path) -> None:
    """A question in other words makes another prompt; the error names the question and how to record."""
    changed = {**QUESTIONS[0], "turns": [{"role": "user", "content": "What was the price of the new lamp?"}]}
    gold = read_gold(write_gold(tmp_path, (changed,)))

    with pytest.raises(RecordingStale, match=r"What was the price of the new lamp\?") as stale:
        run_replay(gold, Order(), folder / "models", recordings=folder / "recordings")
    assert "dateline eval record" in stale.value.hint


@pytest.mark.usefixtures("recorded")
def test_recorded_calls_that_nobody_asks_for_are_counted(folder: Path, tmp_path: Path) -> None:
    """A question that was taken out leaves its calls behind, which is said and is no error."""
    gold = write_gold(tmp_path)
    write_questions(gold, (QUESTIONS[0],))

    measured = run_replay(read_gold(gold), Order(), folder / "models", recordings=folder / "recordings")

    calls = len(read_recording(folder / "recordings").calls)
    assert measured.notes == [f"{calls - 1} of {calls} recorded calls were not used; record anew to drop them"]


def test_a_recording_ends_at_the_first_failure_and_goes_on_from_there(folder: Path, gold: GoldSet) -> None:
    """What came before a failure is in the file, and only the rest is asked."""
    out = folder / "halfway" / "scripted.jsonl"
    with ScriptedLLM([script, Reply(status=400, code="context_length_exceeded")]) as llm:
        chat = ChatModel("scripted", None, llm.url, deadline_s=20, max_output_tokens=400)
        with pytest.raises(RunIncomplete, match="context_length_exceeded"):
            record(gold, chat, start_recording(out, MADE_WITH), folder / "models", out)

    assert len(start_recording(out, MADE_WITH).calls) == 1
