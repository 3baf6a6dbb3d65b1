import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embedding.openai import OpenAIEmbedder
from index.errors import ConfigurationError, EmbeddingFailed
from tests.http_service import Reply, refusing
from tests.index.embedding.embedding_service import Answer, EmbeddingService, embeddings, letters

Start = Callable[..., OpenAIEmbedder]


@pytest.fixture
def service() -> Iterator[EmbeddingService]:
    with EmbeddingService(letters) as running:
        yield running


@pytest.fixture
def start(service: EmbeddingService) -> Iterator[Start]:
    """Yield a function that makes embedders of the service; close them at the end."""
    started: list[OpenAIEmbedder] = []

    def one(answer: Answer = letters, *, retries: int = 0, timeout: float = 5.0) -> OpenAIEmbedder:
        service.answer = answer
        started.append(OpenAIEmbedder("m", base_url=service.address, retries=retries, timeout=timeout))
        return started[-1]

    yield one
    for embedder in started:
        embedder.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.sampled_from("eé…x "), min_size=1, max_size=30), max_size=300))
def test_every_text_gets_its_own_unit_vector(start: Start, texts: list[str]) -> None:
    """Any number of texts get their vectors in their order, of length 1."""
    matrix = start().embed_texts(texts)
    expected = np.array([[len(text), text.count("e"), 1.0] for text in texts], np.float32).reshape(-1, 3)
    assert matrix.shape == expected.shape
    assert matrix.dtype == np.float32
    assert matrix == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True), abs=1e-6)


def test_the_order_is_the_services_numbering(start: Start) -> None:
    """Vectors in another order are sorted by their index."""
    embedder = start(lambda texts: embeddings([[0.0, 3.0], [2.0, 0.0]], indexes=[1, 0]))
    assert embedder.embed_texts(["one", "two"]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_request_is_bounded(start: Start, service: EmbeddingService) -> None:
    """A request has at most 128 texts and 100,000 characters; a longer text is sent alone."""
    texts = ["e"] * 300 + ["long" * 10_000] * 5 + ["longer" * 20_000] + ["e"]
    start().embed_texts(texts)
    assert [text for request in service.requests for text in request] == texts
    assert [len(request) for request in service.requests] == [128, 128, 46, 2, 1, 1, 1]


def test_the_dimension_is_the_models(start: Start, service: EmbeddingService) -> None:
    """The dimension is that of the first vectors; without any, one request determines it."""
    asking = start()
    assert (asking.dimension, asking.dimension, len(service.requests)) == (3, 3, 1)
    knowing = start()
    knowing.embed_query("e")
    assert (knowing.dimension, len(service.requests)) == (3, 2)


def test_it_is_named_for_the_model(start: Start) -> None:
    """The name is the model's, and the graph is unknown."""
    assert (start().name, start().graph) == ("openai:m", "remote")


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "DATELINE_EMBEDDING_MODEL"),
        (401, "OPENAI_API_KEY"),
        (403, "OPENAI_API_KEY"),
        (404, "OPENAI_BASE_URL"),
        (422, "DATELINE_EMBEDDING_MODEL"),
        (429, "too many requests"),
        (500, "Try again later"),
        (503, "Try again later"),
    ],
)
def test_a_refusal_is_passed_on_with_a_way_out(start: Start, service: EmbeddingService, status: int, hint: str) -> None:
    """An error names the address, the model, the service's message, and the fix."""
    embedder = start(lambda texts: Reply(status, b'{"error": {"message": "no harbour today"}}'))
    with pytest.raises(EmbeddingFailed) as raised:
        embedder.embed_query("e")
    for said in (service.address, "embeddings of m", str(status), "no harbour today", hint):
        assert said in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda texts: Reply(body=b"{"), id="half a JSON object"),
        pytest.param(lambda texts: Reply(body=b"<p>", headers={"Content-Type": "text/html"}), id="a page"),
        pytest.param(lambda texts: Reply(body=b'{"data": null}'), id="no data"),
        pytest.param(lambda texts: Reply(body=b'{"data": [{"index": 0, "embedding": "AAAA"}]}'), id="base64"),
        pytest.param(lambda texts: embeddings([]), id="nothing"),
        pytest.param(lambda texts: embeddings([[1.0]]), id="too few"),
        pytest.param(lambda texts: embeddings([[1.0]] * 3), id="too many"),
        pytest.param(lambda texts: embeddings([[1.0]] * 2, indexes=[0, 0]), id="an index twice"),
        pytest.param(lambda texts: embeddings([[1.0]] * 2, indexes=[1, 2]), id="counted from 1"),
        pytest.param(lambda texts: embeddings([[1.0], [1.0, 2.0]]), id="ragged"),
        pytest.param(lambda texts: embeddings([[], []]), id="empty vectors"),
        pytest.param(lambda texts: embeddings([[1.0], [float("nan")]]), id="NaN"),
        pytest.param(lambda texts: embeddings([[1.0], [float("inf")]]), id="infinity"),
        pytest.param(lambda texts: embeddings([[0.0], [1.0]]), id="zeros"),
    ],
)
def test_what_is_no_vectors_is_refused(start: Start, answer: Answer) -> None:
    """A reply without one valid vector for each of the two texts is an error."""
    with pytest.raises(
        EmbeddingFailed, match=r"gave (no embeddings but|\d embeddings for 2|numbers of|something|a vector)"
    ):
        start(answer).embed_texts(["one", "two"])


def test_a_model_of_one_dimension_stays_of_it(start: Start) -> None:
    """A change of dimension between replies is an error."""
    embedder = start(lambda texts: embeddings([[1.0] * (len(texts[0]))] * len(texts)))
    embedder.embed_query("four")
    with pytest.raises(EmbeddingFailed, match=r"shape \(1, 3\), expected \(1, 4\)"):
        embedder.embed_query("two")


def test_a_temporary_error_is_retried(start: Start, service: EmbeddingService) -> None:
    """A request that fails once is retried without an error."""

    def busy_once(texts: list[str]) -> Reply:
        return letters(texts) if len(service.requests) > 1 else Reply(429, headers={"Retry-After-Ms": "1"})

    assert start(busy_once, retries=2).embed_query("e").shape == (3,)
    assert len(service.requests) == 2


def test_a_service_that_is_not_there_is_named() -> None:
    """The error of a refused connection names the address and the settings to check."""
    with refusing() as url:
        embedder = OpenAIEmbedder("m", base_url=f"{url}/v1", retries=0)
        with pytest.raises(EmbeddingFailed, match=rf"{url.removeprefix('http://')}.*refused[^$]*OPENAI_BASE_URL"):
            embedder.embed_query("e")
        embedder.close()


def test_a_service_that_does_not_answer_is_given_up(start: Start) -> None:
    """A service slower than the timeout is an error that names it."""

    def slow(texts: list[str]) -> Reply:
        time.sleep(0.5)
        return Reply(503)

    with pytest.raises(EmbeddingFailed, match="timed out"):
        start(slow, timeout=0.1).embed_query("e")


def test_only_settings_say_where_requests_go(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, addresses and proxies of the environment are not used."""
    for name, value in {
        "OPENAI_API_KEY": "from-the-environment",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    for key, sent in (("given", "Bearer given"), (None, "Bearer unused")):
        embedder = OpenAIEmbedder("m", api_key=key, base_url=service.address, retries=0)
        assert embedder.embed_query("e").shape == (3,)
        assert service.keys[-1] == sent
        embedder.close()


def test_without_a_key_the_official_service_is_not_asked() -> None:
    """Without a key and an address the error names their settings."""
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        OpenAIEmbedder("m")


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/v1", "http://", "http://[::1", "127.0.0.1:8080/v1"])
def test_an_address_that_is_none_is_refused_at_the_start(address: str) -> None:
    """An invalid address is an error before any request, with a valid example."""
    with pytest.raises(ConfigurationError) as raised:
        OpenAIEmbedder("m", base_url=address)
    assert repr(address) in str(raised.value)
    assert "http://127.0.0.1:8080/v1" in str(raised.value)
