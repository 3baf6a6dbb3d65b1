"""A permalink: the question, article ids and the places of the quotes of an answer, signed; nothing is stored.

An address `/a/…` is base64url of a signature and of compressed JSON. It has digests of the quotes and of their
articles, not their words, so that an article that is taken down leaves nothing behind in a link. The secret that signs
is in `links.key` beside the index; it is made once.

`service/recheck.py` looks for the quotes of a link in the articles of today.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from index.layout import REPLICA
from index.records import Article, Span
from service.answer import Answer
from service.records import Position, Question

FILE = "links.key"

TAG_BYTES = 16
"""Length of a signature: half of an HMAC-SHA-256."""

_SECRET_BYTES = 32

logger = logging.getLogger("dateline")


class SigningKey:
    """The secret of a data folder, or a given one; `tag` reads or makes it at the first call."""

    def __init__(self, data: Path, given: str | None = None) -> None:
        self._path = data / FILE
        self._secret = given.encode() if given else b""
        self._failure = ""

    def tag(self, purpose: str, message: bytes) -> bytes | None:
        """Return the signature of a message for one purpose; None without a secret, which the log explains once.

        The secret is looked for again at the next call.
        """
        if not self._secret:
            try:
                self._secret = _read_or_make(self._path)
            except (OSError, ValueError) as error:
                if str(error) != self._failure:
                    logger.warning("links are not signed, so answers have none: %s", error)
                self._failure = str(error)
                return None
        return hmac.digest(self._secret, purpose.encode() + b"\0" + message, hashlib.sha256)[:TAG_BYTES]


def _read_or_make(path: Path) -> bytes:
    """Return the secret in a file, which only its owner may read; make it if it is missing.

    The file appears complete, so that two processes have the same secret. The folder is not created. Raises OSError,
    and ValueError for a file with anything else, or for a replica without one: no other replica could open its links.
    """
    if not path.exists():
        if (path.parent / REPLICA).exists():
            raise ValueError("this is a replica: set DATELINE_SIGNING_SECRET, to the same text on all replicas")
        descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{secrets.token_hex(_SECRET_BYTES)}\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                logger.info("another process made %s", path)
        finally:
            Path(temporary).unlink()
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise ValueError(f"{path} is corrupt; restore it from a backup, or remove it") from error
    if len(secret) < _SECRET_BYTES:
        raise ValueError(f"{path} is too short; restore it from a backup, or remove it")
    return secret


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
    """The content of a permalink; the moments have whole minutes.

    `conflicts` are groups of quotes, by their place from 0, whose articles gave different values for one fact. Quotes
    that only a conflict has are behind those of the answer.
    """

    question: str
    asked_at: datetime
    quotes: tuple[LinkedQuote, ...]
    as_of: datetime | None = None
    conflicts: tuple[tuple[int, ...], ...] = ()


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
    verified = [each for each in answer.citations if each.verification.status != "unverified"]
    quotes = list(
        dict.fromkeys(
            _linked(known[each.article_id], Span(each.start_char_index, each.end_char_index))
            for each in verified
            if each.article_id in known
        )
    )
    conflicts = []
    for conflict in answer.conflicts if quotes else ():
        positions = [each for each in conflict.positions if each.article_id in known]
        places = [_place_in(quotes, known[each.article_id], each) for each in positions]
        if len(set(places)) > 1:
            conflicts.append(tuple(dict.fromkeys(places)))
    text = answer.retrieval.standalone_question if question.messages else question.text
    asked_at = datetime.fromisoformat(answer.created_at)
    return Link(text, _whole_minutes(asked_at), tuple(quotes), question.as_of, tuple(conflicts))


def _linked(article: Article, span: Span) -> LinkedQuote:
    quoted = digest(article.body[span.start : span.end])
    return LinkedQuote(article.article_id, article_digest(article), span, quoted)


def _place_in(quotes: list[LinkedQuote], article: Article, position: Position) -> int:
    """Return the place of the quote that has the sentence of a position; the sentence is added if none has it."""
    span = Span(position.start_char_index, position.end_char_index)
    for place, quote in enumerate(quotes):
        is_inside = quote.span.start <= span.start and span.end <= quote.span.end
        if quote.article_id == article.article_id and is_inside:
            return place
    quotes.append(_linked(article, span))
    return len(quotes) - 1


def digest(text: str) -> str:
    """Return a short digest of a text, in base64url."""
    full = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(full).decode()


def article_digest(article: Article) -> str:
    """Return a short digest of what readers see of an article: its title and its body."""
    return digest(f"{article.title or ''}\n{article.body}")


def _to_json(link: Link) -> bytes:
    """Return a link as JSON: question, minutes, runs of quotes, minutes of `as_of` or null, conflicts.

    A run has an article's id, its digest, and quotes of it. The last two are left out if there is nothing in them.
    """
    runs: list[list[Any]] = []
    for quote in link.quotes:
        if not runs or runs[-1][:2] != [quote.article_id, quote.article_digest]:
            runs.append([quote.article_id, quote.article_digest])
        runs[-1].append([quote.span.start, quote.span.end - quote.span.start, quote.digest])
    content: list[Any] = [link.question, _minutes(link.asked_at), runs]
    if link.as_of or link.conflicts:
        content.append(_minutes(link.as_of) if link.as_of else None)
    if link.conflicts:
        content.append(link.conflicts)
    # ASCII, because a question may have half of a surrogate pair.
    return json.dumps(content, separators=(",", ":"), ensure_ascii=not _is_encodable(link.question)).encode()


def _from_json(text: bytes) -> Link:
    """Parse a link; raises ValueError, TypeError or KeyError for anything else."""
    question, minutes, runs, as_of, conflicts = (*json.loads(text), None, None)[:5]
    quotes = tuple(
        LinkedQuote(article_id, seen, Span(start, start + length), quoted)
        for article_id, seen, *places in runs
        for start, length, quoted in places
    )
    groups = tuple(map(tuple, conflicts or ()))
    return Link(question, _moment(minutes), quotes, None if as_of is None else _moment(as_of), groups)


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _whole_minutes(moment: datetime) -> datetime:
    return _moment(_minutes(moment))


def _minutes(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(minutes=1)


def _moment(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)
