"""Budgets over HTTP: every route charges the caller's key, and beyond a limit sentences are quoted."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.errors import ConfigurationError
from service.api.mcp_tools import ToolCall, tools
from service.build import limits_of_day
from service.keys import Grant, KeyRing, KeyStore
from service.spend import DailyLimits, SpendStore
from tests.samples import ASKED_AT, client_of, settings_for
from tests.scripted_llm import ScriptedLLM
from tests.service.api.events import read_events
from tests.service.test_llm_answers import QUESTION, TRUE
from tests.service.test_llm_answers import reply as said

CHAT = {"model": "dateline", "messages": [{"role": "user", "content": QUESTION}]}
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/ask": {"question": QUESTION},
    "/v1/chat/completions": CHAT,
    "/openwebui/v1/chat/completions": CHAT,
    "/v1/responses": {"model": "dateline", "input": QUESTION},
}
EXHAUSTED = "budget_exhausted"


@dataclass(frozen=True, slots=True)
class Charging:
    """A service with a scripted model, whose keys have no limit but one."""

    client: TestClient
    llm: ScriptedLLM
    data: Path

    def key(self, tokens_per_day: int = 1_000_000_000) -> tuple[str, str]:
        """Create a key; return it and its id."""
        text, key = KeyStore(self.data).create(Grant("key", tokens_per_day=tokens_per_day))
        # The service looks at the file once a second.
        self.state.access._keys._checked_at = 0.0
        return text, key.id

    @property
    def state(self) -> Any:  # noqa: ANN401 - of the application
        app: Any = self.client.app
        return app.state.service

    def post(self, path: str, key: str, **more: object) -> Any:  # noqa: ANN401 - any reply
        """Send the question to a path under a key."""
        return self.client.post(path, json=REQUESTS[path] | more, headers={"Authorization": f"Bearer {key}"})

    def used(self, key_id: str) -> int:
        """Return the tokens of a key today, once all are stored."""
        self.state.pipeline.budget._thread.submit(int).result()
        return SpendStore(self.data).spent(key_id).tokens


@pytest.fixture(scope="module")
def service(sample_data: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charging]:
    data = tmp_path_factory.mktemp("charged") / "data"
    # The files of an index never change.
    shutil.copytree(
        sample_data, data, copy_function=os.link, ignore=shutil.ignore_patterns("*.db-*", "*.lock", "models")
    )
    with ScriptedLLM(said(f"{TRUE} [", "{key}", "].")) as llm:
        model = {"llm_model": "scripted", "openai_api_key": "unused", "openai_base_url": llm.url}
        settings = settings_for(data, models, **model, tokens_per_day=1_000_000_000, answer_cache=8)
        with client_of(settings) as client:
            made = Charging(client, llm, data)
            made.state.pipeline = replace(made.state.pipeline, clock=lambda: ASKED_AT)
            yield made


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_route_charges_its_caller(service: Charging, path: str, stream: bool) -> None:
    """The key pays for its own questions, plain and streamed; a kept answer costs no key anything."""
    service.state.pipeline.cache.clear()
    (text, id_), before = service.key(), len(service.llm.requests)
    assert service.post(path, text, stream=stream).status_code == 200
    used = service.used(id_)
    assert used > 100
    other, other_id = service.key()
    for key in (text, other):
        service.post(path, key, stream=stream)
    assert (service.used(id_), service.used(other_id)) == (used, 0)
    assert len(service.llm.requests) == before + 1


def test_a_tool_charges_its_caller(service: Charging) -> None:
    """The tool `ask` asks the model as a route does."""
    service.state.pipeline.cache.clear()
    text, id_ = service.key()
    key = KeyRing(KeyStore(service.data)).find(text)
    assert key is not None
    (tool,) = (each for each in tools() if each.name == "ask")
    call = ToolCall(service.state, key.caller, "http://testserver")
    assert service.client.portal is not None
    arguments = tool.arguments.validate_python({"question": QUESTION})
    answer = service.client.portal.call(tool.run, call, arguments)
    assert answer["usage"]["llm_calls"] == 1
    assert service.used(id_) == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]


def test_beyond_its_budget_a_key_gets_quotes(service: Charging) -> None:
    """The first question passes the limit by its own cost; then the model is not asked, whatever reader is wanted."""
    service.state.pipeline.cache.clear()
    text, _ = service.key(tokens_per_day=1)
    assert service.post("/v1/ask", text).json()["versions"]["model"] == "scripted"
    kept = service.post("/v1/ask", text).json()
    service.state.pipeline.cache.clear()
    asked = len(service.llm.requests)
    plain = [service.post("/v1/ask", text, reader=reader).json() for reader in ("auto", "llm", "extractive")]
    events = read_events(service.post("/v1/ask", text, stream=True).text)
    other = service.post("/v1/ask", service.key()[0]).json()
    counted = service.post("/v1/ask", text, question="How many articles mention ferries?").json()

    assert (kept["cached"], kept["warnings"]) == (True, [])
    for answer in (*plain, events[-1].data):
        assert answer["status"] == "answered"
        assert answer["usage"]["llm_calls"] == 0
        assert answer["versions"]["reader"].startswith("extractive")
    codes = [[warning["code"] for warning in answer["warnings"]] for answer in (*plain, events[-1].data)]
    assert codes == [[EXHAUSTED], [EXHAUSTED], [], [EXHAUSTED]]
    assert (counted["versions"]["reader"], counted["warnings"]) == ("catalogue@1", [])
    assert len(service.llm.requests) == asked + 1
    assert other["versions"]["model"] == "scripted"
    assert 'dateline_budget_refusals_total{limit="key_tokens"} 3.0' in service.state.metrics.exposition().decode()


def test_the_budget_of_all_is_that_of_the_settings(tmp_path: Path) -> None:
    """A limit in USD needs a model whose price is known."""
    limits = {"tokens_per_day": 7, "key_tokens_per_day": 5}
    assert limits_of_day(settings_for(tmp_path, tmp_path, **limits)) == DailyLimits(7, 0.0, 5)
    priced = settings_for(tmp_path, tmp_path, llm_model="gpt-4o-mini", usd_per_day=1.5)
    assert limits_of_day(priced).usd == 1.5
    unknown = priced.model_copy(update={"openai_base_url": "http://127.0.0.1:1/v1"})
    with pytest.raises(ConfigurationError, match="price"):
        limits_of_day(unknown)
