"""Write a weighted mean of two files of changes: `python -m training.mean ONE 0.3 OTHER 0.7 --out PATH`.

The weights of two runs, one of which went on from the other, often do better together (Wortsman et al. 2022).
"""

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    """Read both files, and write the mean of each tensor in its own type."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("one", "other"):
        parser.add_argument(name, type=Path, help="file of changes")
        parser.add_argument(f"{name}_weight", type=float, help="its weight; the two add up to 1")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    one, other = load_file(arguments.one), load_file(arguments.other)
    mean = {
        name: arguments.one_weight * tensor.float() + arguments.other_weight * other[name].float()
        for name, tensor in one.items()
    }
    save_file({name: tensor.to(one[name].dtype).contiguous() for name, tensor in mean.items()}, arguments.out)


if __name__ == "__main__":
    main()
