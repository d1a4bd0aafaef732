"""Addresses in answers are built from what was set, never from what a request says of itself."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from infra.conf import environment

ROOT = Path(__file__).parents[2]
SAYS_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "elsewhere.example"}


@pytest.fixture
def two(coordinator):
    """Two contracts, and more than one of everything that has pages."""
    coordinator.begin("one")
    coordinator.begin("two")


def pages(reader, **headers):
    """What tells the address of a next page: lists, a history, the feed."""
    for path in ("/api/v1/events", "/api/v1/contracts/one/history", "/api/v1/decision-types"):
        answer = reader.get(path, {"limit": 1} if "types" not in path else {}, **headers)
        assert answer.status_code == 200
        yield answer.json()["next"]


@pytest.mark.parametrize("headers", [{}, SAYS_HTTPS], ids=["plain", "forwarded"])
def test_a_next_page_is_relative(database, two, anybody, headers):
    told = [address for address in pages(anybody, **headers) if address is not None]
    assert told == ["/api/v1/events?limit=1&after=1"]
    assert anybody.client.get(told[0]).status_code == 200


def test_a_next_page_is_below_the_public_address(database, two, anybody, settings):
    settings.PUBLIC_URL = "https://quartier.example"
    told = [address for address in pages(anybody, **SAYS_HTTPS) if address is not None]
    assert told == ["https://quartier.example/api/v1/events?limit=1&after=1"]


def test_nothing_is_built_from_a_request():
    for file in (ROOT / "api").rglob("*.py"):
        said = file.read_text("utf-8")
        assert not re.search(r"build_absolute_uri|get_current_site|HTTP_X_FORWARDED", said), file


def test_a_header_says_https_only_if_a_proxy_is_trusted(settings):
    request = RequestFactory().get("/", headers=SAYS_HTTPS)
    assert not request.is_secure()
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert request.is_secure()


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_trusted_proxies_are_a_setting(monkeypatch, proxies):
    import importlib.util  # noqa: PLC0415 - the settings are read once more, apart

    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    spec = importlib.util.spec_from_file_location("again", ROOT / "infra" / "conf" / "settings.py")
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    assert bool(again.SECURE_PROXY_SSL_HEADER) is (proxies == "1")
    assert again.REST_FRAMEWORK["NUM_PROXIES"] == int(proxies)


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("PUBLIC_URL", "https://quartier.example/", environment.public_url),
        ("PUBLIC_URL", "quartier.example", environment.public_url),
        ("PUBLIC_URL", "https://quartier.example/path", environment.public_url),
        ("TRUSTED_PROXIES", "-1", environment.trusted_proxies),
        ("TRUSTED_PROXIES", "nginx", environment.trusted_proxies),
        ("QUARTIER_CACHE_MB", "-1", environment.cache_megabytes),
        ("QUARTIER_CACHE_MB", "300 MB", environment.cache_megabytes),
    ],
)
def test_settings_are_of_their_form(monkeypatch, name, given, read):
    monkeypatch.setenv(name, given)
    if given.endswith("/"):
        assert read() == given[:-1]
    else:
        with pytest.raises(ImproperlyConfigured, match=name):
            read()
