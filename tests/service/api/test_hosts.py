"""The names that the service answers to; over a socket in tests/soak."""

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.hosts import allowed_hosts
from service.build import build_pipeline
from service.settings import ServiceSettings
from tests.service.conftest import settings_for


def settings(sample: ServiceSettings, **more: object) -> ServiceSettings:
    return settings_for(sample.data, sample.models_folder, allow_anonymous=True, **more)


def test_loopback_is_always_allowed(sample_settings: ServiceSettings) -> None:
    """And by default nothing else."""
    assert allowed_hosts(settings(sample_settings, allowed_hosts="")) == {"127.0.0.1", "::1", "localhost"}


def test_names_are_allowed_by_setting(sample_settings: ServiceSettings) -> None:
    """What it is bound to, the host of its public address, and a list; whatever their case, without ports."""
    given = settings(
        sample_settings,
        host="News.internal",
        public_url="https://Ask.News.example:8443/",
        allowed_hosts="other.example, 192.0.2.7",
    )

    assert allowed_hosts(given) > {"news.internal", "ask.news.example", "other.example", "192.0.2.7"}


@pytest.mark.parametrize(
    ("host", "asked", "status"),
    [
        ("0.0.0.0", "192.0.2.1:8000", 200),
        ("::", "[2001:db8::1]", 200),
        ("0.0.0.0", "evil.example", 421),
        ("127.0.0.1", "192.0.2.1", 421),
    ],
)
def test_a_service_on_all_addresses_answers_to_all_addresses(
    sample_settings: ServiceSettings, host: str, asked: str, status: int
) -> None:
    """An address cannot be a name that somebody had point here."""
    given = settings(sample_settings, host=host)
    with TestClient(create_app(given, build_pipeline(given)), raise_server_exceptions=False) as client:
        assert client.get("/v1/articles", headers={"Host": asked}).status_code == status


@pytest.mark.parametrize("name", ["https://news.example", "news.example:80", "*", "*.news.example", "a b"])
def test_a_name_with_more_than_a_name_is_refused(sample_settings: ServiceSettings, name: str) -> None:
    """With what was found and an example."""
    with pytest.raises(ValidationError, match=r"ask\.news\.example"):
        settings(sample_settings, allowed_hosts=name)


@pytest.mark.parametrize("url", ["news.example", "ftp://news.example", "https://news.example/path", "https://"])
def test_a_public_address_is_a_scheme_and_a_host(sample_settings: ServiceSettings, url: str) -> None:
    """The pages are at the root of a host."""
    with pytest.raises(ValidationError, match="without a path"):
        settings(sample_settings, public_url=url)


def test_the_page_shows_the_public_address(sample_settings: ServiceSettings) -> None:
    """Not the name by which a proxy asks."""
    given = settings(sample_settings, public_url="https://ask.news.example/")
    with TestClient(create_app(given, build_pipeline(given)), raise_server_exceptions=False) as client:
        page = client.get("/developers").text

    assert "https://ask.news.example/widget.js" in page
    assert "testserver" not in page
