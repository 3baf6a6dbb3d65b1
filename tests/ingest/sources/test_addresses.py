"""The addresses that a fetch may connect to: the table of refused forms, and proof that the checked one is used."""

from collections.abc import Iterable

import httpcore
import httpx
import pytest

from ingest.sources.addresses import (
    AddressRefused,
    CheckedNetwork,
    CheckedTransport,
    is_public,
    public_addresses,
    resolve,
)

PUBLIC = "93.184.216.34"

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.255.1.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1
192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.255
:: ::1 ::127.0.0.1 ::93.184.216.34 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:93.184.216.34 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b:1::5db8:d822 100::1 2001::1 2001:0:5db8:d822::1 2001:10::1 2001:db8::1 2002:7f00:1::1
2002:5db8:d822::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""".split()

NUMBERS = (
    "2130706433 0x7f000001 017700000001 127.1 127.0.1 0x7f.0.0.1 0177.0.0.1 127.0.0.01 1.2.3.4.5 0x 127.0.0.1.".split()
)


class Names:
    """A resolver with fixed answers, one list for each call; the last one repeats."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Iterable[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire(httpcore.MockBackend):
    """A network that notes every connection; each gives the next of the replies, and then the last one."""

    def __init__(self, *replies: bytes, dead: frozenset[str] = frozenset()) -> None:
        super().__init__([])
        self.replies = list(replies or [OK])
        self.dead = dead
        self.dialled: list[tuple[str, int]] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.dialled.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("no route")
        return httpcore.MockStream([self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]])


def client_of(names: Names, wire: Wire, *, allow_private: bool = False) -> httpx.Client:
    network = CheckedNetwork(allow_private=allow_private, resolve=names, network=wire)
    return httpx.Client(transport=CheckedTransport(network), trust_env=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        public_addresses("paper.example", 443, Names([PUBLIC, address]))


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1::1", "2a00:1450::1", "64:ff9b::5db8:d822"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert public_addresses("paper.example", 443, Names([address])) == [address]


@pytest.mark.parametrize("host", NUMBERS)
def test_a_number_in_place_of_a_name_is_refused_before_it_is_resolved(host: str) -> None:
    """Resolvers read 2130706433 and 0x7f.1 as 127.0.0.1."""
    names = Names([PUBLIC])
    with pytest.raises(AddressRefused):
        public_addresses(host, 80, names)
    assert names.asked == []


def test_the_checked_address_is_the_one_connected_to() -> None:
    """The name is resolved once: a second lookup, which could give another address, never happens."""
    names, wire = Names([PUBLIC], ["127.0.0.1"]), Wire()
    with client_of(names, wire) as client:
        assert client.get("http://paper.example/a").text == "ok"
    assert (names.asked, wire.dialled) == (["paper.example"], [(PUBLIC, 80)])


def test_a_name_that_is_bound_again_is_checked_again() -> None:
    names, wire = Names([PUBLIC], ["169.254.169.254"]), Wire(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
    with client_of(names, wire) as client:
        client.get("http://paper.example/a")
        with pytest.raises(AddressRefused):
            client.get("http://paper.example/b")
    assert wire.dialled == [(PUBLIC, 80)]


def test_the_name_stays_in_the_host_header_and_in_tls() -> None:
    sent, secured = [], []

    class Stream(httpcore.MockStream):
        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            sent.append(buffer)

        def start_tls(
            self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore.NetworkStream:
            secured.append(server_hostname)
            return self

    class Secure(Wire):
        def connect_tcp(self, host: str, port: int, *rest: object, **named: object) -> httpcore.NetworkStream:
            self.dialled.append((host, port))
            return Stream([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])

    wire = Secure()
    with client_of(Names([PUBLIC]), wire) as client:
        client.get("https://paper.example/a")
    assert secured == ["paper.example"]
    assert b"Host: paper.example\r\n" in b"".join(sent)
    assert wire.dialled == [(PUBLIC, 443)]


def test_a_host_is_reached_by_the_first_of_its_addresses_that_answers() -> None:
    wire = Wire(dead=frozenset(["2606:2800:220:1::1"]))
    with client_of(Names(["2606:2800:220:1::1", PUBLIC]), wire) as client:
        assert client.get("http://paper.example/").status_code == 200
    assert [host for host, _ in wire.dialled] == ["2606:2800:220:1::1", PUBLIC]


def test_private_hosts_are_reached_if_that_is_meant() -> None:
    wire = Wire()
    with client_of(Names(["127.0.0.1"]), wire, allow_private=True) as client:
        client.get("http://cms.internal:8080/")
    assert wire.dialled == [("127.0.0.1", 8080)]


def test_nothing_happens_on_a_connection_after_the_deadline() -> None:
    """The limit is for the complete reply, however many pieces it comes in."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1
        return now

    class Drip(httpcore.MockStream):
        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            assert timeout is not None
            assert timeout <= 20 - now
            return b"x"

    class Slow(Wire):
        def connect_tcp(self, *arguments: object, **named: object) -> httpcore.NetworkStream:
            return Drip([])

    network = CheckedNetwork(resolve=Names([PUBLIC]), network=Slow(), clock=clock)
    network.deadline = 20
    stream = network.connect_tcp("paper.example", 80)
    with pytest.raises(httpcore.ReadTimeout):
        list(iter(lambda: stream.read(10, timeout=30), b""))
    assert now == 20


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 64}.example"])
def test_a_host_with_an_invalid_label_has_no_address(host: str) -> None:
    """The system's resolver raises UnicodeError for it, which ended a run."""
    with pytest.raises(OSError, match="not a valid host name"):
        resolve(host, 80)
    with httpx.Client(transport=CheckedTransport(CheckedNetwork())) as client, pytest.raises(httpx.ConnectError):
        client.get(f"http://{host}/")
