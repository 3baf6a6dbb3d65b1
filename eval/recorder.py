"""The recorder: asks a real language model every question of a gold set and keeps each call to be replayed."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from eval.errors import RunIncomplete
from eval.questions import GoldSet
from eval.recording import (
    CallKind,
    Finish,
    MadeWith,
    RecordedCall,
    Recording,
    read_recording,
    without_cut_off,
    write_recording,
)
from eval.replay import RecordedChat, measure_with
from eval.run import Measurement, Order
from service.errors import ReaderCutOff, ReaderFailed
from service.readers.chat import Chat, ModelRefused
from service.records import Usage


class RecordingChat:
    """A language model whose calls are kept as they are made; a call that is already recorded is not made again.

    `made` counts the calls made. Raises RunIncomplete where a call fails in a way that says nothing about the model.
    """

    def __init__(self, chat: Chat, recording: Recording) -> None:
        self.model = recording.made_with.model
        self.made = 0
        self._chat = chat
        self._recording = recording
        self._recorded = RecordedChat(recording)

    @property
    def used(self) -> set[str]:
        """The keys of the calls that were asked for."""
        return self._recorded.used

    async def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """The reply in pieces, then its Usage; raises ModelRefused and ReaderCutOff as the model does."""
        key = self._recording.key("stream", system, user)
        known = key in self._recording.calls
        pieces = self._recorded.stream(system, user) if known else self._heard(key, system, user)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """The whole reply and its Usage; raises ModelRefused and ReaderCutOff as the model does."""
        key = self._recording.key("complete", system, user)
        if key not in self._recording.calls:
            self.made += 1
            try:
                text, usage = await self._chat.complete(system, user)
            except ReaderFailed as failure:
                self._keep(key, "complete", _finish_of(failure), "", None)
                raise
            self._keep(key, "complete", "stop", text, usage)
        return await self._recorded.complete(system, user)

    async def count(self, system: str, user: str, text: str) -> Usage:
        """What a call that was left early or refused has used, which is kept with the call."""
        key = self._recording.key("stream", system, user)
        call = self._recording.calls[key]
        if call.usage is None:
            usage = await self._chat.count(system, user, text)
            self._recording.calls[key] = call.model_copy(update={"usage": usage})
        return await self._recorded.count(system, user, text)

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._chat.aclose()

    async def _heard(self, key: str, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """The model's own reply, kept once it has ended or the caller has left."""
        heard: list[str] = []
        self.made += 1
        try:
            async with aclosing(self._chat.stream(system, user)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Usage):
                        self._keep(key, "stream", "stop", "".join(heard), piece)
                    else:
                        heard.append(piece)
                    yield piece
        except GeneratorExit:
            if key not in self._recording.calls:
                self._keep(key, "stream", "left", "".join(heard), None)
            raise
        except ReaderFailed as failure:
            self._keep(key, "stream", _finish_of(failure), "".join(heard), None)
            raise

    def _keep(self, key: str, call: CallKind, finish: Finish, text: str, usage: Usage | None) -> None:
        # Half of a surrogate pair, which JSON may bring and no file can hold, becomes a question mark.
        writable = text.encode("utf-8", "replace").decode("utf-8")
        self._recording.calls[key] = RecordedCall(key=key, call=call, finish=finish, text=writable, usage=usage)
        self.used.add(key)


def start_recording(out: Path, made_with: MadeWith) -> Recording:
    """An empty recording, or what `out` already holds where it was made alike: only what is missing is asked."""
    if not out.is_file():
        return Recording(made_with)
    known = read_recording(out)
    return Recording(made_with, without_cut_off(known.calls.values()) if known.made_with == made_with else {})


def record(
    gold: GoldSet,
    chat: Chat,
    recording: Recording,
    models: Path,
    out: Path,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Measurement, int]:
    """Ask every question and write the calls to `out`; gives the run, and how many calls were made.

    What was recorded before a failure is written as well. A whole run drops the calls that nobody asked for.
    """
    recorder = RecordingChat(chat, recording)
    try:
        measured = measure_with(recorder, recording.made_with, gold, Order(), models, tick)
        for key in recording.calls.keys() - recorder.used:
            del recording.calls[key]
    finally:
        write_recording(out, recording)
    errors = [prediction for prediction in measured.run.predictions if prediction.error]
    if errors:
        raise RunIncomplete(f"{len(errors)} questions failed, the first: {errors[0].error}", "Record again.")
    return measured, recorder.made


def calls_of(gold: GoldSet) -> int:
    """The most calls that a gold set takes: one a question and paraphrase, one more where others came before it."""
    return sum((1 + (len(item.turns) > 1)) * (1 + len(item.paraphrases)) for item in gold.items)


def _finish_of(failure: ReaderFailed) -> Finish:
    """How a call finished that failed by the model's doing; raises RunIncomplete for every other failure."""
    if isinstance(failure, ModelRefused):
        return "refused"
    if isinstance(failure, ReaderCutOff):
        return "cut_off"
    raise RunIncomplete(
        f"a call failed: {failure}", "What came before is kept: record again, and only what is missing is asked."
    ) from failure
