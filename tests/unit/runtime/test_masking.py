"""Secrets are found in every form in which they may turn up, and ordinary words are left alone."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.runtime.masking import MASK, Masker

SECRET = 'p/ss w+rd"ä'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_every_form_is_masked(form):
    """MIR-194."""
    assert Masker([SECRET])(f"before {form} after") == f"before {MASK} after"


@given(
    before=st.binary(max_size=9),
    secret=st.text("abcdefXYZ0123+/=ß", min_size=8, max_size=40),
    after=st.binary(max_size=9),
)
def test_a_secret_inside_a_longer_base64_text_is_masked(before, secret, after):
    """`Authorization: Basic` holds base64 of user and password together."""
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert MASK in Masker([secret])(text)


def test_short_texts_are_not_masked():
    """They would shred the markers that the engine reads."""
    assert Masker(["API", ""])("API rate limit") == "API rate limit"
    assert Masker([])("API rate limit") == "API rate limit"


def test_the_longer_of_two_secrets_is_masked_whole():
    """One may be the beginning of another."""
    assert Masker(["abcd", "abcdefgh"])("abcdefgh abcd") == f"{MASK} {MASK}"


def test_lines_of_a_long_secret_are_masked_alone():
    """Logs show a private key line by line."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n-----END KEY-----"
    assert Masker([key])("x MIIEvQIBADANBgkqhkiG9w0 short") == f"x {MASK} short"
