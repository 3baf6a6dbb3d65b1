import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.embeddings.base import BaseEmbedding

from index.embedding.llama import LlamaIndexEmbedder
from index.errors import ConfigurationError, EmbeddingFailed


class Letters(BaseEmbedding):
    """An embedding with different vectors for texts and questions; `broken` names the fault."""

    broken: str = ""
    api_key: str = ""

    def _get_text_embedding(self, text: str) -> list[float]:
        if self.broken == "raises":
            raise ConnectionResetError("the model went away")
        return [float("nan") if self.broken == "nan" else float(len(text)), 1.0, 0.0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return [*self._get_text_embedding(query)[:2], 1.0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


PATH = f"{__name__}.Letters"
values = st.one_of(st.integers(), st.text(), st.lists(st.booleans()), st.dictionaries(st.text(), st.integers()))
options = st.dictionaries(st.sampled_from(["pooling", "tokenizer", "max_tokens", "keyword"]), values)
secrets = st.dictionaries(st.sampled_from(["api_key", "APIKEY", "hf_token", "client_secret", "password"]), st.text())


def test_texts_and_questions_get_unit_vectors_of_their_own() -> None:
    """Texts get text vectors in their order, a question gets a query vector, all of length 1."""
    embedder = LlamaIndexEmbedder(PATH, {"embed_batch_size": 2})
    texts = ["a", "bbb", "cc", "d" * 20, "e"]
    expected = np.array([[len(text), 1.0, 0.0] for text in texts])
    assert embedder.embed_texts(texts) == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert embedder.embed_query("bb") == pytest.approx(np.array([2, 1, 1]) / np.sqrt(6))
    assert embedder.embed_texts([]).shape == (0, 3)


def test_the_dimension_is_learned() -> None:
    """The dimension is that of a vector from the class."""
    assert LlamaIndexEmbedder(PATH, {}).dimension == 3


@pytest.mark.parametrize(("broken", "said"), [("raises", "ConnectionResetError: the model went away"), ("nan", "nan")])
def test_what_goes_wrong_inside_is_passed_on(broken: str, said: str) -> None:
    """Errors of the class, and zero vectors, become EmbeddingFailed with the cause."""
    embedder = LlamaIndexEmbedder(PATH, {"broken": broken})
    with pytest.raises(EmbeddingFailed, match=said):
        embedder.embed_texts(["a", "b"])
    with pytest.raises(EmbeddingFailed, match=said):
        embedder.embed_query("a")


@given(options, options)
def test_other_options_have_another_name(one: dict[str, object], other: dict[str, object]) -> None:
    """Two sets of options have the same name if and only if they are equal."""
    names = {LlamaIndexEmbedder(PATH, chosen).name for chosen in (one, other)}
    assert (len(names) == 1) == (one == other)
    assert all(name.startswith(f"{PATH}#") for name in names)


@given(options, secrets, secrets)
def test_a_secret_is_no_part_of_the_name(chosen: dict[str, object], one: dict[str, str], other: dict[str, str]) -> None:
    """Options that differ only in a key, token, secret or password, at any depth, have the same name."""
    names = {LlamaIndexEmbedder(PATH, {**chosen, **held, "deep": [held]}).name for held in (one, other)}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("dateline_no_such_package.Class", "No module named"),
        (f"{__name__}.Missing", "has no attribute 'Missing'"),
        (f"{__name__}.PATH", "not a LlamaIndex BaseEmbedding"),
        ("pathlib.Path", "not a LlamaIndex BaseEmbedding"),
        (".Class", "cannot be imported"),
        ("..Class", "cannot be imported"),
        ("pathlib.", "cannot be imported"),
    ],
)
def test_a_path_that_leads_to_no_embedding_is_named(path: str, said: str) -> None:
    """A path without a module or a valid class is an error with the path and the setting."""
    with pytest.raises(ConfigurationError) as raised:
        LlamaIndexEmbedder(path, {})
    for part in (path, said, "DATELINE_EMBEDDING_MODEL"):
        assert part in str(raised.value)


def test_options_the_class_does_not_take_are_named_without_their_secrets() -> None:
    """Options that the class rejects are an error with the cause, without keys."""
    with pytest.raises(ConfigurationError) as raised:
        LlamaIndexEmbedder(PATH, {"embed_batch_size": 0, "api_key": ["sk-harbour"]})
    for part in (PATH, "embed_batch_size", "greater than 0", "api_key", "DATELINE_EMBEDDING_OPTIONS"):
        assert part in str(raised.value)
    assert "harbour" not in str(raised.value)
