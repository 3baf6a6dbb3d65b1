"""A permalink: the question, article ids and the places of the quotes of an answer, signed; nothing is stored.

An address `/a/…` is base64url of a signature and of compressed JSON. It has digests of the quotes and of their
articles, not their words, so that an article that is taken down leaves nothing behind in a link.
"""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from index.records import Article, Span
from service.answer import Answer
from service.records import Question
from service.signing import TAG_BYTES, SigningKey

TOKEN_LENGTH = 6_000
"""The limit of the signed part of an address in characters; a longer one is not made and not read."""

PATH = "/a/"

_PURPOSE = "permalink 1"
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{20,{TOKEN_LENGTH}}}")
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_MOST_BYTES = 100_000
_DIGEST_BYTES = 6


@dataclass(frozen=True, slots=True)
class LinkedQuote:
    """The place of a quote, its digest, and the digest of the article at the time of the answer."""

    article_id: str
    article_digest: str
    span: Span
    digest: str


@dataclass(frozen=True, slots=True)
class Link:
    """The content of a permalink; the moments have whole minutes."""

    question: str
    asked_at: datetime
    quotes: tuple[LinkedQuote, ...]
    as_of: datetime | None = None


class Permalinks:
    """Makes and reads the permalinks of one service; `base` is its public address, empty for relative links."""

    def __init__(self, key: SigningKey, base: str | None = None) -> None:
        self._key = key
        self._base = (base or "").rstrip("/")

    def address(self, question: Question, answer: Answer, articles: Iterable[Article]) -> str | None:
        """Return the address of an answer; None if it quotes nothing, is too long, or cannot be signed."""
        link = link_of(question, answer, articles)
        token = self.token(link) if link.quotes else None
        return f"{self._base}{PATH}{token}" if token else None

    def token(self, link: Link) -> str | None:
        """Return the signed form of a link; None if it is too long, or cannot be signed."""
        packed = zlib.compress(_to_json(link), 9, -15)
        tag = self._key.tag(_PURPOSE, packed)
        token = base64.urlsafe_b64encode(tag + packed).decode().rstrip("=") if tag else ""
        return token if _TOKEN.fullmatch(token) else None

    def read(self, token: str) -> Link | None:
        """Return the link of a signed form; None if this service did not sign it."""
        if not _TOKEN.fullmatch(token):
            return None
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            return None
        tag = self._key.tag(_PURPOSE, signed[TAG_BYTES:])
        # The last character of base64 may have spare bits: only one form of a link is valid.
        canonical = base64.urlsafe_b64encode(signed).decode().rstrip("=") == token
        if tag is None or not canonical or not hmac.compare_digest(tag, signed[:TAG_BYTES]):
            return None
        try:
            return _from_json(zlib.decompressobj(-15).decompress(signed[TAG_BYTES:], _MOST_BYTES))
        except (zlib.error, ValueError, TypeError, KeyError, OverflowError):
            return None


def link_of(question: Question, answer: Answer, articles: Iterable[Article]) -> Link:
    """Return the link of an answer; `articles` are those that it may cite, each as it was read.

    A follow-up is linked as its standalone question. Quotes that failed the check are left out.
    """
    known = {article.article_id: article for article in articles}
    quotes = [
        LinkedQuote(
            citation.article_id,
            article_digest(known[citation.article_id]),
            Span(citation.start_char_index, citation.end_char_index),
            digest(citation.cited_text),
        )
        for citation in answer.citations
        if citation.verification.status != "unverified" and citation.article_id in known
    ]
    text = answer.retrieval.standalone_question if question.messages else question.text
    asked_at = datetime.fromisoformat(answer.created_at)
    return Link(text, _whole_minutes(asked_at), tuple(dict.fromkeys(quotes)), question.as_of)


def digest(text: str) -> str:
    """Return a short digest of a text, in base64url."""
    full = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(full).decode()


def article_digest(article: Article) -> str:
    """Return a short digest of what readers see of an article: its title and its body."""
    return digest(f"{article.title or ''}\n{article.body}")


def _to_json(link: Link) -> bytes:
    """Return a link as JSON: question, minutes, and for each run of quotes of an article id, digest and quotes."""
    runs: list[list[Any]] = []
    for quote in link.quotes:
        if not runs or runs[-1][:2] != [quote.article_id, quote.article_digest]:
            runs.append([quote.article_id, quote.article_digest])
        runs[-1].append([quote.span.start, quote.span.end - quote.span.start, quote.digest])
    content: list[Any] = [link.question, _minutes(link.asked_at), runs]
    if link.as_of:
        content.append(_minutes(link.as_of))
    # ASCII, because a question may have half of a surrogate pair.
    return json.dumps(content, separators=(",", ":"), ensure_ascii=not _is_encodable(link.question)).encode()


def _from_json(text: bytes) -> Link:
    """Parse a link; raises ValueError, TypeError or KeyError for anything else."""
    question, minutes, runs, *rest = json.loads(text)
    quotes = tuple(
        LinkedQuote(article_id, seen, Span(start, start + length), quoted)
        for article_id, seen, *places in runs
        for start, length, quoted in places
    )
    return Link(question, _moment(minutes), quotes, _moment(rest[0]) if rest else None)


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _whole_minutes(moment: datetime) -> datetime:
    return _moment(_minutes(moment))


def _minutes(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(minutes=1)


def _moment(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)
