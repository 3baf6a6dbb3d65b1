"""The posts of a WordPress site by its REST interface: complete texts, a hundred in a reply, and only what changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

from ingest.report import ArticleRejected
from ingest.sources.listings import kind_of
from ingest.sources.web import Reply, Web

RELATION = "https://api.w.org/"
"""The relation of the Link header by which a site names the interface."""

POSTS_AT_ONCE = 100
_TOTAL = "x-wp-totalpages"
_MOST_PAGES = 10_000
_OVERLAP = timedelta(days=1)
"""Posts that changed so long before the last known change are asked for again: a site's clock may not be in UTC."""


def opened(web: Web, api: str, since: str | None) -> Reply | None:
    """Return the first page of the posts changed since a time; None if the site does not show them to everybody."""
    try:
        reply = web.fetch(_address(api, 1, since))
    except ArticleRejected:
        return None
    return reply if kind_of(reply) == "json" else None


def pages_of_posts(web: Web, api: str, since: str | None, first: Reply) -> Iterator[Reply]:
    """Yield the pages of the posts; raises ArticleRejected if one fails."""
    stated = first.headers.get(_TOTAL, "")
    total = min(int(stated), _MOST_PAGES) if stated.isdecimal() else 1
    yield first
    for number in range(2, total + 1):
        yield web.fetch(_address(api, number, since))


def _address(api: str, number: int, since: str | None) -> str:
    # By number: a post that is published meanwhile does not shift the pages.
    wanted = {"per_page": POSTS_AT_ONCE, "page": number, "orderby": "id", "order": "asc", "_embed": "author,wp:term"}
    if since:
        wanted["modified_after"] = (datetime.fromisoformat(since) - _OVERLAP).isoformat()
    # A site without readable addresses has the interface at /?rest_route=/.
    return f"{api.rstrip('/')}/wp/v2/posts{'&' if '?' in api else '?'}{urlencode(wanted)}"
