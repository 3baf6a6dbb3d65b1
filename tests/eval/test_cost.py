"""What a question costs that does not depend on the machine."""

from eval.metrics.cost import cost_figures
from service.readers.budget import count_tokens
from tests.eval.pieces import BODY, OTHER, saying


def test_cost_is_calls_and_words_shown() -> None:
    """Calls come from the reply, context tokens from its passages, counted for the model that read them."""
    reply = saying("Ines Corrand cut the ribbon.")
    for model in (None, "gpt-4"):
        figures = cost_figures({**reply, "usage": {"llm_calls": 3}, "versions": {"model": model}})
        assert figures == {
            "calls": 3.0,
            "context_tokens": sum(count_tokens(body, model or "") for body in (BODY, OTHER)),
        }
    assert cost_figures({**reply, "sources": []}) == {"calls": 1.0, "context_tokens": 0.0}
