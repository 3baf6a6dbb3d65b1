"""Measure how soon a pushed article can be found: from the push to the first search that returns it.

usage: OMP_NUM_THREADS=1 python -m benchmarks.push [--work PATH] [--articles N] [--pushes N] [--json PATH]

A service with a writer runs on a copy of an index of invented articles of six chunks with fake vectors. Articles with
real vectors are pushed one after another; after each push the service is searched every 100 ms for a word that only
the pushed article has.
"""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.made_index import Made, copy_of, made_index
from benchmarks.options import parser, workplace
from benchmarks.servers import Server, dateline
from benchmarks.stopwatch import middle
from benchmarks.synthetic import bodies

ARTICLES = 3_400
PUSHES = 20
SEED = 11
PAUSE_S = 0.1
PATIENCE_S = 60.0
COMMAND = "python -m benchmarks.push"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, bench=False, figures=True)
    options.add_argument("--articles", type=int, default=ARTICLES, help="articles in the index, of six chunks each")
    options.add_argument("--pushes", type=int, default=PUSHES)
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        Run.of(measured(made_index(work, arguments.articles), work, arguments.pushes)).report(arguments.json)


def measured(made: Made, work: Path, pushes: int) -> Iterator[Figure]:
    """Push articles to a service with a writer on a copy of an index."""
    secret = secrets.token_hex(16)
    bearer = {"Authorization": f"Bearer {secret}"}

    def has_writer(server: Server) -> bool:
        return server.request("DELETE", "/v1/articles/unknown", **bearer)[0] == 202

    data = copy_of(made.data, work / "copy")
    started = dateline(data, work / "models", "--with-writer", probe=has_writer, DATELINE_PUSH_SECRET=secret)
    with started as server:
        taken = [seconds_to_search(server, f"pushed-{n}", text, bearer) for n, text in enumerate(bodies(pushes, SEED))]
    yield Figure("push to search, median", middle(taken), "s", made.chunks, "≤ 5 s", command=COMMAND)
    yield Figure("push to search, worst", max(taken), "s", made.chunks, "≤ 5 s", command=COMMAND)


def seconds_to_search(server: Server, article_id: str, text: str, bearer: dict[str, str]) -> float:
    """Push an article; return the seconds until a search returns it."""
    word = f"zq{secrets.token_hex(6)}"
    article = {"title": f"Article {article_id}", "body": f"The code word is {word}.\n\n{text}"}
    began = time.monotonic()
    status, _ = server.request("PUT", f"/v1/articles/{article_id}", article, **bearer)
    assert status == 202, status
    while time.monotonic() - began < PATIENCE_S:
        _, found = server.request("POST", "/v1/search", {"question": word, "mode": "lexical"})
        if any(each["article_id"] == article_id for each in found["sources"]):
            return time.monotonic() - began
        time.sleep(PAUSE_S)
    raise SystemExit(f"{article_id} was not found within {PATIENCE_S:g} s")


if __name__ == "__main__":
    main()
