"""Lanes: which way a run is made, by the name that a person gives."""

from collections.abc import Callable
from pathlib import Path

from eval.errors import GoldInvalid
from eval.questions import GoldSet
from eval.run import Measurement, Order, header_of, measure, run_offline
from eval.target import OverHttp

LANES = ("offline", "replay")


def run_lane(  # noqa: PLR0913 - one for each option of the command
    gold: GoldSet,
    order: Order,
    models: Path,
    *,
    lane: str = "offline",
    url: str | None = None,
    tick: Callable[[], None] = lambda: None,
    recordings: Path | None = None,
) -> Measurement:
    """Run a lane in this process, or ask the service at `url` what the lane asks; `recordings` is for replay."""
    if lane not in LANES:
        raise GoldInvalid(f"the lane is {lane!r}, expected one of {', '.join(LANES)}")
    if url is not None:
        return measure(gold, order, OverHttp(url), header_of(gold, lane=lane), tick)
    if lane == "replay":
        from eval.replay import RECORDINGS, run_replay

        return run_replay(gold, order, models, tick, recordings or RECORDINGS)
    return run_offline(gold, order, models, tick=tick)
