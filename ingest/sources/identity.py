"""The identity of a fetched article: the canonical address of its page, and the id that is made of it."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from ingest.load.article import guid_id

_USER = re.compile(r"\A(\w+:/*)[^/?#]*@")
_PLAIN = "/?:@!$&'()*+,;=~%"
_MOST_CLEANINGS = 5
"""One removal may leave what the next one removes."""


def joined(base: str, target: str) -> str:
    """Return the absolute address of a link without its fragment; an invalid one as it is stated."""
    try:
        return urlunsplit(urlsplit(urljoin(base, target.strip()))._replace(fragment=""))
    except ValueError:
        return target


def is_address(text: str) -> bool:
    """Return whether a text is a valid address of the web; a path is not."""
    try:
        # Half a character, which JSON can state, cannot be sent.
        text.encode()
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def without_password(url: str) -> str:
    """Return an address for a message, without a user and a password: messages end in logs."""
    return _USER.sub(r"\1***@", url)


def clean_address(url: str) -> str:
    """Return an address without its fragment and without the parameters that only count readers, such as utm_source."""
    import courlan

    for _ in range(_MOST_CLEANINGS):
        parts = urlsplit(url)
        # courlan drops spaces, and cuts addresses at angle brackets.
        path, query = (quote(part, safe=_PLAIN) for part in (parts.path or "/", parts.query))
        cleaned = urlunsplit(parts._replace(path=path, query=query, fragment=""))
        cleaned = courlan.clean_url(cleaned) or cleaned
        if cleaned == url:
            break
        url = cleaned
    return url


def canonical_address(fetched: str, stated: str | None) -> str:
    """Return the cleaned address that identifies a page: the one that it states, else the one that it was fetched from.

    A statement counts only within the site, and not if it is the front page: some sites state that on every page.
    """
    if stated and site_of(fetched) == site_of(stated) and (not is_front_page(stated) or is_front_page(fetched)):
        return clean_address(stated)
    return clean_address(fetched)


def article_id_of(address: str) -> str:
    """Make the id of the article with a canonical address; http and https are one address."""
    return guid_id(f"https://{address.partition('://')[2]}", "")


def is_front_page(url: str) -> bool:
    """Return whether an address is that of a complete site."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def site_of(url: str) -> str:
    """Return the registrable domain of an address, such as paper.co.uk; else its host without www."""
    import courlan

    host = (urlsplit(url).hostname or "").removesuffix(".")
    return courlan.extract_domain(url) or host.removeprefix("www.")
