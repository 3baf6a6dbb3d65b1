"""The replay lane: a language model's recorded replies, played again; no network, no key, the same run every time."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from eval.dated_target import DatedTarget
from eval.errors import RecordingStale
from eval.questions import GoldSet
from eval.recording import RECORD, CallKind, MadeWith, RecordedCall, Recording, read_recording
from eval.run import Measurement, Order, corpus_pipeline, header_of, measure
from index.embedding.local import LocalEmbedder
from service.errors import ReaderCutOff
from service.readers.chat import Chat, ModelRefused
from service.readers.llm import LlmReader
from service.records import Usage

RECORDINGS = Path(__file__).parent / "recordings"

FENCE = "0000000000000000"
"""The code of every prompt's fences, which is random outside of an evaluation."""


class RecordedChat:
    """A language model's stand-in that says what was recorded.

    `used` are the keys it was asked for. A call that was never recorded raises RecordingStale.
    """

    def __init__(self, recording: Recording) -> None:
        self.model = recording.made_with.model
        self.used: set[str] = set()
        self._recording = recording

    async def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """The recorded reply in one piece, then its Usage; fails where the recorded one failed."""
        call = self._call("stream", system, user)
        if call.text:
            yield call.text
        yield _ending(call)

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """The recorded reply and its Usage; fails where the recorded one failed."""
        call = self._call("complete", system, user)
        return call.text, _ending(call)

    async def count(self, system: str, user: str, text: str) -> Usage:  # noqa: ARG002 - what it counted is recorded
        """What a call that was left early or refused had used."""
        call = self._call("stream", system, user)
        if call.usage is None:
            raise _stale("what a call used was not recorded")
        return call.usage

    async def aclose(self) -> None:
        """Nothing is held."""

    def _call(self, kind: CallKind, system: str, user: str) -> RecordedCall:
        key = self._recording.key(kind, system, user)
        call = self._recording.calls.get(key)
        if call is None:
            known = len(self._recording.calls)
            raise _stale(f"none of the {known} recorded calls of {self.model} has this prompt (key {key[:12]})")
        self.used.add(key)
        return call


def run_replay(
    gold: GoldSet,
    order: Order,
    models: Path,
    tick: Callable[[], None] = lambda: None,
    recordings: Path = RECORDINGS,
) -> Measurement:
    """Index the corpus in a temporary folder and ask the pipeline whose language model is a recording.

    Raises RunIncomplete where nothing was recorded, RecordingStale where a prompt is not the recorded one any more.
    """
    recording = read_recording(recordings)
    chat = RecordedChat(recording)
    measured = measure_with(chat, recording.made_with, gold, order, models, tick)
    unused = len(recording.calls.keys() - chat.used)
    if unused and not measured.run.header.subset:
        measured.notes.append(
            f"{unused} of {len(recording.calls)} recorded calls were not used; record anew to drop them"
        )
    return measured


def measure_with(
    chat: Chat, made_with: MadeWith, gold: GoldSet, order: Order, models: Path, tick: Callable[[], None]
) -> Measurement:
    """Ask a pipeline that has this language model, in a way that makes the same prompts every time."""
    embedder = LocalEmbedder(models, precision="fp32")
    settings = {"llm_prompt_tokens": made_with.prompt_tokens}
    with corpus_pipeline(gold, embedder, models, chat=chat, fence=lambda: FENCE, **settings) as pipeline:
        with pipeline.library.pinned() as generation:
            fingerprint = generation.manifest.fingerprint
        header = header_of(
            gold, lane="replay", fingerprint=fingerprint, reader=LlmReader.name, model=chat.model, graph=embedder.graph
        )
        with DatedTarget(pipeline, gold) as target:
            return measure(gold, order, target, header, tick)


def _ending(call: RecordedCall) -> Usage:
    if call.finish == "refused":
        raise ModelRefused("The language model declined to answer.")
    if call.finish == "cut_off":
        raise ReaderCutOff("The language model's reply stopped before its end.")
    if call.finish == "left" or call.usage is None:
        raise _stale("a reply that was left early is now heard to its end")
    return call.usage


def _stale(found: str) -> RecordingStale:
    return RecordingStale(found, f"A prompt, the corpus, the passages or the model has changed. {RECORD}")
