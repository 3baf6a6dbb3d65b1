"""The same flow on a server of S3's protocol: a made-up one, or the bucket of DATELINE_TEST_STORE.

A made-up server is not atomic, so no test here has two that write at once.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from index.layout import current_name
from index.replicas.pull import replica_of
from index.replicas.push import probe, push
from index.replicas.store import Store
from index.replicas.takedown import announced_take_down, reach
from tests.fakes import article, built, grown

VARIABLE = "DATELINE_TEST_STORE"
SECRET = b"Quentin Varga lives at 9 Mill Lane."


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve S3's protocol on loopback; return its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in an empty folder of a bucket, whose objects are removed at the end."""
    address = os.environ.get(VARIABLE)
    if address is None:
        server = request.getfixturevalue("server")
        for name, value in {
            "AWS_ENDPOINT": server,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        }.items():
            monkeypatch.setenv(name, value)
        urlopen(Request(f"{server}/paper", method="PUT"), timeout=10).close()
        address = "s3://paper"
    store = Store(f"{address.rstrip('/')}/{uuid4().hex}")
    yield store
    for each in list(store.listed("")):
        store.remove(each.name)


def test_an_object_is_created_once(store: Store) -> None:
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert (store.read("a/b"), store.size("a/b"), store.read("a/c")) == (b"first", 5, None)
    store.replace("a/b", b"third")
    (listed,) = store.listed("a/")
    assert (listed.name, listed.size) == ("a/b", 5)
    assert list(store.names("a/", after="a/b")) == []
    store.remove("a/b")
    store.remove("a/b")
    assert list(store.names("a/")) == []
    probe(store)


def test_a_takedown_reaches_a_replica(store: Store, tmp_path: Path) -> None:
    """Push, pull, and take down, until no object has the article."""
    publisher, replica = tmp_path / "publisher", tmp_path / "replica"
    built(publisher, [article("gone", SECRET.decode())])
    assert push(publisher, store).pointer == 1
    grown(publisher, [article("a", "Crews left the harbour.")])
    assert push(publisher, store).pointer == 2
    for is_complete in (False, True):
        with replica_of(replica, store, "east") as opened:
            opened.pull()
        assert current_name(replica) == current_name(publisher)
        announced_take_down(publisher, store, ["gone"])
        assert reach(publisher, store, 0.0).complete is is_complete
    assert not any(SECRET in (store.read(each.name) or b"") for each in store.listed(""))
    assert not any(SECRET in path.read_bytes() for path in replica.rglob("*") if path.is_file())
