"""Cost: what a question takes that does not depend on the machine, and the time, which does and is only reported.

calls           calls to a language model
context tokens  words of the passages shown, as tiktoken counts them
"""

from functools import lru_cache
from typing import Any

from service.readers.budget import count_tokens

_count = lru_cache(maxsize=1024)(count_tokens)
"""One passage is shown for many questions."""


def cost_figures(reply: dict[str, Any]) -> dict[str, float]:
    """The figures of one question."""
    model = reply["versions"]["model"] or ""
    tokens = sum(_count(source["snippet"], model) for source in reply["sources"])
    return {"calls": float(reply["usage"]["llm_calls"]), "context_tokens": float(tokens)}
