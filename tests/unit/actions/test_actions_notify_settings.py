"""Settings that notices need: what may be set, and that nobody reads a secret one back."""

from __future__ import annotations

import pytest

from casemirror.model import settings
from casemirror.model.errors import Invalid
from casemirror.model.settings import KEYS, Settings


def test_secret_settings_are_no_part_of_the_settings() -> None:
    """Whatever holds `Settings` holds no password and no address of a webhook."""
    found, warnings = Settings.from_stored({"notify.email.password": "x", "notify.webhook": "https://a/b"})
    assert (dict(found.values), warnings) == ({}, [])
    assert {name for name, key in KEYS.items() if key.is_secret} == {"notify.email.password", "notify.webhook"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("notify.states", "failing, ok", ["failing", "ok"]),
        ("notify.states", "", []),
        ("notify.email.server", "mail.example.com:587", "mail.example.com:587"),
        ("notify.email.from", " me@example.com ", "me@example.com"),
        ("notify.webhook", "https://a.example/x?y=1, http://[::1]:8080/z", ["https://a.example/x?y=1", "http://[::1]:8080/z"]),
    ],
)  # fmt: skip
def test_good_values_are_read(name: str, text: str, value: object) -> None:
    """docs/settings.md."""
    assert settings.parse(KEYS[name], text) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("notify.states", "failing,bad", "'bad' is none of ok, waiting, paused, degraded, failing"),
        ("notify.email.server", "mail.example.com", "write it as host:port"),
        ("notify.email.server", "mail:0", "write it as host:port"),
        ("notify.email.server", "mail:70000", "write it as host:port"),
        ("notify.email.server", "::1:25", "write it as host:port"),
        ("notify.webhook", "ftp://a/t0ken", "is no URL like"),
        ("notify.webhook", "https://a/ok,t0ken", "is no URL like"),
        ("notify.webhook", "http://a:99999/t0ken", "is no URL like"),
    ],
)
def test_wrong_values_are_refused_without_repeating_a_token(name: str, text: str, words: str) -> None:
    """The error says what would be right."""
    with pytest.raises(Invalid) as caught:
        settings.parse(KEYS[name], text)
    assert words in caught.value.message
    assert "t0ken" not in caught.value.message


def test_an_ipv6_address_stands_in_brackets() -> None:
    """So that it is clear where its port begins."""
    assert settings.address("[::1]:25", "x") == ("::1", 25)


def test_a_shown_url_holds_nothing_that_may_be_a_token() -> None:
    """User, password, path, query and fragment are left out."""
    assert settings.shown_url("https://u:p@hooks.example:8443/T0/B1?key=s#f") == "https://hooks.example:8443/…"
