"""How the hosts that an instance may reach are written."""

import pytest

from casemirror.model import egress
from casemirror.model.errors import Invalid


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Example.COM", "example.com"),
        (" example.com:443 ", "example.com:443"),
        ("*.service-now.com:443", "*.service-now.com:443"),
        ("https://example.com/api/v1?x=1", "example.com:443"),
        ("http://example.com", "example.com:80"),
        ("https://user:password@example.com:8443/", "example.com:8443"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:8080", "10.0.0.1:8080"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("localhost", "localhost"),
    ],
)
def test_a_host_is_kept_in_one_form(given: str, kept: str) -> None:
    """Also of a URL, as people copy it."""
    assert egress.entry(given) == kept
    assert egress.entry(kept) == kept


@pytest.mark.parametrize(
    "given",
    ["", "*", "*.", "example.com:0", "example.com:70000", "a b", "host:port", "ex*mple.com", "10.0.0.0/8", "https://"],
)
def test_anything_else_is_refused(given: str) -> None:
    """With examples of what would be right."""
    with pytest.raises(Invalid, match=r"write it as example\.com"):
        egress.entry(given)
