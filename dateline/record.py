"""`dateline eval record`: a language model's replies to the gold questions, kept so that CI can replay them."""

from pathlib import Path
from typing import Annotated

import typer

from dateline.trouble import settings_of
from index.errors import ConfigurationError


def record(
    out: Annotated[Path, typer.Option("--out", help="File for the recorded calls, such as recordings/MODEL.jsonl.")],
    gold: Annotated[Path, typer.Option("--gold", help="Folder of the gold set.")],
) -> None:
    """Ask the model of DATELINE_LLM_MODEL every gold question and keep its replies; this costs what it costs."""
    from eval import recorder
    from eval.questions import read_gold
    from eval.recording import MadeWith
    from service.build import build_chat
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings)
    chat = build_chat(settings)
    if chat is None:
        raise ConfigurationError(
            "no language model is set, so there is nothing to record",
            "Set DATELINE_LLM_MODEL, with OPENAI_API_KEY and/or OPENAI_BASE_URL.",
        )
    read = read_gold(gold)
    made_with = MadeWith(
        model=chat.model, max_output_tokens=settings.llm_max_output_tokens, prompt_tokens=settings.llm_prompt_tokens
    )
    recording = recorder.start_recording(out, made_with)
    calls = recorder.calls_of(read)
    typer.echo(
        f"up to {calls} calls to {chat.model}, each of up to {settings.llm_prompt_tokens} tokens of passages;"
        f" {len(recording.calls)} are recorded and not made again",
        err=True,
    )
    measured, made = recorder.record(read, chat, recording, settings.models_folder, out)
    usages = [prediction.reply["usage"] for prediction in measured.run.predictions if prediction.reply]
    tokens = sum(usage["input_tokens"] + usage["output_tokens"] for usage in usages)
    typer.echo(f"{made} calls were made; {len(recording.calls)} are in {out}, of {tokens} tokens")
