"""Instance parameters: what a person types, what is stored, what the code gets (content.md §1.3)."""

import pytest

from casemirror.content import items, params
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.model.errors import Invalid


@pytest.fixture
def acme(pack_folder):
    return Catalog.of(load(pack_folder)[0].items).integration("Acme")


GIVEN = {"credentials.identifier": "bo", "credentials.password": "s3cret"}


def test_a_new_instance_starts_with_the_defaults(acme):
    """content.md §1.3."""
    assert params.check(acme, GIVEN) == {
        "url": "https://acme.example",
        "credentials": {"identifier": "bo", "password": "s3cret"},
        "isFetch": True,
        "kinds": ["bug", "task"],
        "mirror_direction": "None",
        "incidentFetchInterval": "1",
        "limit": "50",
    }


CONVERTED = [
    ("isFetch", "false", False),
    ("isFetch", "Yes", True),
    ("isFetch", True, True),
    ("kinds", "epic,bug", ["epic", "bug"]),
    ("kinds", '["EPIC"]', ["epic"]),
    ("kinds", ["task"], ["task"]),
    ("kinds", "", []),
    ("mirror_direction", "incoming", "Incoming"),
    ("mirror_direction", "No", "No"),
    ("limit", 7, "7"),
    ("limit", "", None),
    ("token", "t", "t"),
    ("incidentFetchInterval", "15", "15"),
    ("credentials", '{"identifier": "x", "password": "y"}', {"identifier": "x", "password": "y"}),
    ("credentials", {"identifier": "x", "password": 1}, {"identifier": "x", "password": "1"}),
]


@pytest.mark.parametrize(("name", "text", "value"), CONVERTED)
def test_texts_become_values_of_the_parameters_type(name, text, value, acme):
    """content.md §1.3, table."""
    assert params.check(acme, {**GIVEN, name: text} if name != "credentials" else {name: text})[name] == value


WRONG = [
    ("isFetch", "perhaps", "neither true nor false"),
    ("kinds", "bug,dog", "'dog' is none of bug, task, epic"),
    ("mirror_direction", "Sideways", "none of None, Incoming, No"),
    ("incidentFetchInterval", "soon", "no whole number of minutes"),
    ("credentials", "bo", r"credentials\.identifier=… credentials\.password=…"),
]


@pytest.mark.parametrize(("name", "text", "message"), WRONG)
def test_a_bad_value_says_what_would_be_right(name, text, message, acme):
    with pytest.raises(Invalid, match=message):
        params.check(acme, {**GIVEN, name: text} if name != "credentials" else {name: text})


def test_all_bad_values_are_named_at_once(acme):
    with pytest.raises(Invalid) as error:
        params.check(acme, {**GIVEN, "isFetch": "x", "kinds": "y"})
    assert "isFetch" in error.value.message
    assert "kinds" in error.value.message


def test_what_is_required_is_named_with_how_to_give_it(acme):
    with pytest.raises(Invalid) as error:
        params.check(acme, {"url": ""})
    assert error.value.message == (
        "Acme Tickets needs: Server URL (url=…); User (credentials.identifier=… credentials.password=…)"
    )


def test_unknown_names_come_with_near_ones(acme):
    with pytest.raises(Invalid, match="no parameter 'kind'; did you mean kinds"):
        params.check(acme, {**GIVEN, "kind": "bug"})
    with pytest.raises(Invalid, match="did you mean mirror_direction"):
        params.check(acme, {**GIVEN, "Direction": "None"})
    with pytest.raises(Invalid, match=r"no parameter 'url\.x'"):
        params.check(acme, {**GIVEN, "url.x": "bug"})
    with pytest.raises(Invalid, match="no parameter 'titel'"):
        params.check(acme, {**GIVEN, "titel": "bug"})


def test_an_existing_instance_keeps_what_is_not_given(acme):
    """A default that came later does not change it; one half of credentials may be changed alone."""
    stored = {"url": "https://old", "credentials": {"identifier": "bo", "password": "old"}}
    checked = params.check(acme, {"credentials.password": "new"}, stored=stored)
    assert checked == {"url": "https://old", "credentials": {"identifier": "bo", "password": "new"}}
    assert stored["credentials"]["password"] == "old"


def test_secrets_are_parted_from_the_rest(acme):
    assert params.secret_names(acme) == {"credentials", "token"}
    plain, secret = params.split(acme, params.check(acme, {**GIVEN, "token": "t"}))
    assert secret.keys() == {"credentials", "token"}
    assert "s3cret" not in repr(plain)


def test_the_code_gets_every_declared_parameter(acme):
    """content.md §1.3: unset is null, a checkbox False, credentials an object with its inner object."""
    found = params.full(acme, {"url": "u", "limit": ""}, {"credentials": {"identifier": "bo", "password": "p"}})
    inner = found["credentials"].pop("credentials")
    assert found == {
        "url": "u",
        "credentials": {"identifier": "bo", "password": "p", "passwordChanged": False, "credential": ""},
        "token": None,
        "isFetch": False,
        "kinds": [],
        "mirror_direction": None,
        "incidentType": None,
        "incidentFetchInterval": None,
        "limit": None,
    }
    assert inner["sshkey"] == ""
    assert inner["modified"] == "0001-01-01T00:00:00Z"


def test_hidden_halves_of_credentials_are_not_asked_for():
    """content.md §1.3: `hiddenusername`."""
    key = {"name": "key", "type": 9, "displaypassword": "API key", "required": True, "hiddenusername": True}
    integration = items.parse("integration", {"name": "K", "configuration": [key]})
    with pytest.raises(Invalid, match=r"API key \(key\.password=…\)$"):
        params.check(integration, {})
    assert params.check(integration, {"key.password": "p"}) == {"key": {"identifier": "", "password": "p"}}


@pytest.mark.parametrize(
    ("kind", "hidden", "secret"),
    [
        (0, True, True),
        (12, True, True),
        (0, False, False),
        (8, True, False),
        (19, True, False),
        (4, False, True),
        (9, False, True),
        (14, False, True),
    ],
)
def test_encrypted_and_hidden_texts_are_secrets(kind, hidden, secret):
    """Types 4, 9 and 14, and texts that nobody is shown, are stored encrypted."""
    given = {"name": "p", "type": kind, "hidden": hidden}
    integration = items.parse("integration", {"name": "K", "configuration": [given]})
    assert params.secret_names(integration) == (frozenset({"p"}) if secret else frozenset())
