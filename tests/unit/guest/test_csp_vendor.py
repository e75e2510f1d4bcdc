"""What only the vendor's server has."""

import CommonServerPython as csp
import pytest


@pytest.fixture
def licence(host):
    """The host with the answers of a server without a licence; `key` is its AutoFocus key."""
    host.key, host.health = "", []
    host.getAutoFocusApiKey = lambda: host.key
    host.getLicenseID = lambda: "L1"
    host.updateModuleHealth = host.health.append
    return host


def test_own_key_of_autofocus_or_the_servers(licence):
    """The server's goes first unless it is overridden."""
    assert csp.AutoFocusKeyRetriever("mine").key == "mine"
    licence.key = "servers"
    assert csp.AutoFocusKeyRetriever("mine").key == "servers"
    assert csp.AutoFocusKeyRetriever("mine", override_default_credentials=True).key == "mine"
    licence.version = {"version": "6.1.0", "buildNumber": "1"}
    assert csp.AutoFocusKeyRetriever("mine").key == "mine"


def test_no_key_of_autofocus_is_an_error(licence):
    """It says what to do."""
    with pytest.raises(csp.DemistoException, match="set the API key"):
        csp.AutoFocusKeyRetriever("")


def test_headers_for_the_vendors_services(licence):
    """Brand, licence, versions."""
    assert csp.get_x_content_info_headers()["X-Content-Name"] == "mine"
    licence.callingContext["context"]["IntegrationBrand"] = "Brand"
    assert csp.get_x_content_info_headers() == {
        "X-Content-Version": "0.0.0",
        "X-Content-Name": "Brand",
        "X-Content-LicenseID": "L1",
        "X-Content-Branch": "master",
        "X-Content-Server-Version": "6.10.0-12345",
    }


def test_version_of_the_pack_that_runs(host):
    """'' when the server does not tell."""
    assert csp.get_pack_version() == ""
    host.getPackVersion = {"": "1.2.3", "Other": "2.0.0"}.get
    assert csp.get_pack_version() == "1.2.3"
    assert csp.get_pack_version(pack_name="Other") == "2.0.0"


@pytest.mark.parametrize("events", [[], "", None])
def test_no_events_are_counted(licence, events):
    """Collectors report each fetch."""
    csp.send_events_to_xsiam(events, "V", "P")
    assert licence.health == [{"eventsPulled": 0}]


@pytest.mark.parametrize(("events", "count"), [([{"a": 1}, {"b": 2}], 2), (["a"], 1), ("a\nb\nc", 3)])
def test_events_cannot_be_sent(licence, events, count):
    """Better an error than events that vanish."""
    with pytest.raises(csp.DemistoException, match=f"{count} events of V P"):
        csp.send_events_to_xsiam(events, vendor="V", product="P")
    assert licence.health == []


def test_events_are_dicts_or_texts(licence):
    with pytest.raises(csp.DemistoException, match="list of dicts or texts"):
        csp.send_events_to_xsiam([1], "V", "P")
