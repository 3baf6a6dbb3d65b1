"""Rates of questions: each key and each address may send some in a minute, and every reply says how many are left."""

import ipaddress
import logging
import math
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.admission import ANSWERING_PATHS, LOG_S, network_of
from service.api.errors import error_reply
from service.caller import Caller
from service.errors import RateLimited
from service.rates import WINDOW_S, Allowance, RateCounter, Subject
from service.settings import ServiceSettings

POLICY_HEADER, RATE_HEADER = "RateLimit-Policy", "RateLimit"

logger = logging.getLogger("dateline")


def subjects_of(caller: Caller, address: str, settings: ServiceSettings) -> list[Subject]:
    """Return what a question of a caller from an address is counted for.

    Programs with a secret key may serve many people, so only their key is counted.
    """
    found = []
    if settings.address_per_minute and (caller.key_id is None or caller.is_publishable) and _is_remote(address):
        found.append(Subject(f"address {network_of(address)}", settings.address_per_minute))
    of_key = caller.per_minute or settings.key_per_minute
    if caller.key_id and of_key:
        found.append(Subject(f"key {caller.key_id}", of_key))
    return found


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-11 that say what is left of a rate."""
    return {
        POLICY_HEADER: f'"minute";q={allowance.subject.per_minute};w={WINDOW_S}',
        RATE_HEADER: f'"minute";r={allowance.remaining};t={allowance.reset_s}',
    }


class QuestionRates:
    """Counts questions and searches, refuses those beyond a rate with 429, and adds what is left to their replies."""

    def __init__(self, app: ASGIApp, counter: RateCounter, settings: ServiceSettings) -> None:
        self._app = app
        self._counter = counter
        self._settings = settings
        self._logged = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in ANSWERING_PATHS:
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        allowance = await self._counter.count(subjects_of(scope["state"]["caller"], address, self._settings))
        if allowance is None:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(rate_headers(allowance))
            await send(message)

        if allowance.is_exceeded:
            self._log(allowance.subject)
            refused = RateLimited("the rate of questions is exceeded", allowance.reset_s)
            await (await error_reply(Request(scope), refused))(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

    def _log(self, subject: Subject) -> None:
        if time.monotonic() - self._logged >= LOG_S:
            self._logged = time.monotonic()
            # Addresses of clients are not logged.
            kind, _, name = subject.name.partition(" ")
            whose = f"the key {name}" if kind == "key" else "an address"
            logger.warning("%s sent more than %d questions in a minute", whose, subject.per_minute)


def _is_remote(address: str) -> bool:
    """Return whether an address is one of another machine."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
