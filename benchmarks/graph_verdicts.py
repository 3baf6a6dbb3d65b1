"""How many verdicts differ between the int8 graph, which answers, and the float32 one, which the gate runs?

usage: python -m benchmarks.graph_verdicts [--models FOLDER]
"""

import argparse
from pathlib import Path

from eval.compare import flips
from eval.questions import read_gold
from eval.run import Order, run_offline
from eval.score import score

GOLD = Path(__file__).parent.parent / "eval" / "gold"


def main() -> None:
    """Run the offline lane on both graphs and compare the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("data/models"), help="folder of the graphs")
    models = parser.parse_args().models
    gold = read_gold(GOLD)
    exact, quick = (score(gold, run_offline(gold, Order(), models, precision=p).run) for p in ("fp32", "int8"))
    differing = flips(exact, quick)
    lost, won = sum(flip.lost for flip in differing), sum(flip.won for flip in differing)
    print(f"{len(differing)} of {len(exact)} verdicts differ: int8 loses {lost} and wins {won} against fp32")


if __name__ == "__main__":
    main()
