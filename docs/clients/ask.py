"""Ask Dateline from Python, with the standard library only.

python docs/clients/ask.py "When did the Skelhaven library reopen?" http://127.0.0.1:8000
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_S = 60.0
"""Seconds without a byte: a comment arrives every 15 seconds while an answer is being made."""


class DatelineError(Exception):
    """An error of the service: its `code` is for programs, its text for people."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['message']} ({error['code']}, request {error['request_id']})")
        self.code: str = error["code"]


def stream(question: str, base_url: str, key: str | None = None, **options: object) -> Iterator[dict[str, Any]]:
    """Yield the events of an answer as they arrive; the last one is the complete reply.

    `options` are other fields of the request, such as `filters` and `messages`. Raises DatelineError.
    """
    body = json.dumps({"question": question, "stream": True, **options}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = Request(f"{base_url.rstrip('/')}/v1/ask", body, headers)  # noqa: S310 - the caller's own address
    try:
        with urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310 - as above
            for line in reply:
                # Each event is one line of JSON, which has the name of the event as its type.
                if line.startswith(b"data: "):
                    event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                    if event["type"] == "error":
                        raise DatelineError(event["error"])
                    yield event
    except HTTPError as error:
        raise DatelineError(json.load(error)["error"]) from error


def main() -> None:
    """Print an answer sentence by sentence, then the words of the articles that support it."""
    question, base_url = [*sys.argv[1:], "http://127.0.0.1:8000"][:2]
    reply: dict[str, Any] = {}
    for event in stream(question, base_url, os.environ.get("DATELINE_KEY")):
        if event["type"] == "answer.delta":
            print(event["text"], end="", flush=True)
        reply = event
    print(f"\n\n{reply['status']}")
    sources = {source["id"]: source for source in reply["sources"]}
    for citation in reply["citations"]:
        print(f"[{citation['marker']}] {sources[citation['source_id']]['title']}: “{citation['cited_text']}”")


if __name__ == "__main__":
    main()
