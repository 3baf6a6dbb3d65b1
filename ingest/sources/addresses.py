"""Connections to public addresses: a host name is resolved once, and the address that was checked is the one used.

A page names the addresses that are fetched after it. Without the check, a feed could read what only this machine may:
a service on localhost, or the credentials that a cloud offers at 169.254.169.254.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Any

import httpcore
import httpx

Resolve = Callable[[str, int], Iterable[str]]
"""A function that returns the numeric addresses of a host name; raises OSError if it has none."""

DEADLINE = "deadline"
"""The extension of a request with the time, on the monotonic clock, at which its reply must be complete."""

CONNECT_S = 10.0

# A host of which the last label is a number is an IPv4 address to a browser, in whatever notation.
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Protocol assignments with Teredo, documentation, 6to4, documentation.
_NOT_HOSTS = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_RELAY_6TO4 = IPv4Network("192.88.99.0/24")


class AddressRefused(Exception):
    """A host has an address that is not public; the message names both."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the system's resolver; raises OSError if it has none."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:
        # A name with an empty label, or one of more than 63 characters, is not sent to a resolver.
        raise OSError(f"{host[:80]} is not a valid host name") from error


def is_public(address: str) -> bool:
    """Return whether a numeric address is that of a public host, which any machine on the internet may reach.

    An IPv6 address that contains an IPv4 address is not, except for those that NAT64 makes of public ones.
    """
    try:
        # A zone, as in fe80::1%eth0, belongs to a link-local address.
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if found.version == 6 and found in _NAT64:
        found = IPv4Address(int(found) & 0xFFFF_FFFF)
    if isinstance(found, IPv4Address):
        return found.is_global and not (found.is_multicast or found.is_reserved or found in _RELAY_6TO4)
    return found in _GLOBAL_UNICAST and found.is_global and not any(found in network for network in _NOT_HOSTS)


def public_addresses(host: str, port: int, resolve: Resolve) -> list[str]:
    """Return the addresses of a host.

    Raises AddressRefused unless all of them are public, and OSError if there are none.
    """
    if ":" not in host and _NUMERIC.fullmatch(host) and not _is_dotted_quad(host):
        raise AddressRefused(f"{host} is a number in place of a host name")
    found = list(dict.fromkeys(resolve(host, port)))
    for address in found:
        if not is_public(address):
            named = host if host == address else f"{host} ({address})"
            raise AddressRefused(f"{named} is not a public address")
    if not found:
        raise OSError(f"{host} has no address")
    return found


def _is_dotted_quad(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


class CheckedNetwork(httpcore.NetworkBackend):
    """Connections to checked addresses, on which nothing happens after `deadline` (monotonic seconds)."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
        network: httpcore.NetworkBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deadline = float("inf")
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network or httpcore.SyncBackend()
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers; raises AddressRefused if one of them is not public."""
        try:
            check = self._resolve if self._allow_private else public_addresses_by(self._resolve)
            addresses = list(check(host, port))
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                left = self.left(min(timeout or CONNECT_S, CONNECT_S))
                stream = self._network.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self)
        raise failure

    def left(self, timeout: float | None) -> float:
        """Return a timeout that ends at the deadline; raises ReadTimeout after it."""
        left = self.deadline - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the reply took too long")
        return left if timeout is None else min(timeout, left)


def public_addresses_by(resolve: Resolve) -> Resolve:
    """Return a resolver that refuses hosts with an address that is not public."""
    return lambda host, port: public_addresses(host, port, resolve)


class _TimedStream(httpcore.NetworkStream):
    """A connection of a CheckedNetwork: each operation ends at its deadline, however slowly the bytes come."""

    def __init__(self, stream: httpcore.NetworkStream, network: CheckedNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._network.left(timeout))
        return _TimedStream(secured, self._network)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as declared by httpcore
        return self._stream.get_extra_info(info)


class CheckedTransport(httpx.BaseTransport):
    """The transport of an httpx client over a CheckedNetwork.

    httpx has no parameter for the network of its own transport. Connections are pooled by host name, and TLS verifies
    that name, whatever address it has.
    """

    def __init__(self, network: CheckedNetwork, tls: ssl.SSLContext | None = None) -> None:
        self._network = network
        tls = tls or httpx.create_ssl_context()
        self._pool = httpcore.ConnectionPool(tls, network_backend=network, keepalive_expiry=15)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises AddressRefused, and the errors of httpx for those of httpcore."""
        self._network.deadline = request.extensions.get(DEADLINE, float("inf"))
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        with _errors_of_httpx():
            reply = self._pool.handle_request(sent)
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply), extensions=reply.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The bytes of a reply as they arrive."""

    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._reply.iter_stream()

    def close(self) -> None:
        self._reply.close()


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error)) from error
    except httpcore.ConnectError as error:
        raise httpx.ConnectError(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
