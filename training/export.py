"""Write the trained weights as the product ships them: `python -m training.export TRAINED SHIPPED`.

Matrices are 8-bit integers with one scale for each output column; everything else is float32, the positions float16.
The word embeddings are those of the model package and are not in the file.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

LARGEST = 127


def main() -> None:
    """Quantise the weights and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trained", type=Path, help="weights in float32, from training.train")
    parser.add_argument("shipped", type=Path, help="file to write")
    arguments = parser.parse_args()
    shipped: dict[str, NDArray[np.generic]] = {}
    for name, tensor in load_file(arguments.trained).items():
        if name.startswith("encoder.") and tensor.ndim == 2:
            scales = np.abs(tensor).max(axis=1) / np.float32(LARGEST)
            shipped[name] = np.rint(tensor / scales[:, None]).astype(np.int8)
            shipped[f"{name}.scales"] = scales.astype(np.float32)
        else:
            shipped[name] = tensor.astype(np.float16 if "position" in name else np.float32)
    save_file(shipped, arguments.shipped)


if __name__ == "__main__":
    main()
