"""Mapping beside the incident: mapObject and remote schemas (MAP-099, MAP-102)."""

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping.objects import map_object
from casemirror.mapping.schema import paths_of

RULES = {"User Profile": {"internalMapping": {"Email": {"simple": "mail"}, "Given Name": {"simple": "given"}}}}
CATALOG = Catalog.of(
    items.make("incidentfield", {"name": name, "cliName": cli, "type": "shortText"})
    for name, cli in (("Email", "email"), ("Given Name", "givenname"))
)


def test_an_incoming_mapper_gives_cli_names():
    """MAP-099."""
    mapper = items.parse("mapper-in", {"id": "User Profile - X (Incoming)", "mapping": RULES})
    assert map_object({"mail": "a@x", "given": None}, mapper, "User Profile", CATALOG) == {"email": "a@x"}


def test_an_outgoing_mapper_gives_remote_names():
    """MAP-099."""
    mapper = items.parse(
        "mapper-out", {"id": "o", "mapping": {"User Profile": {"internalMapping": {"mail.x": {"simple": "email"}}}}}
    )
    assert map_object({"email": "a@x", "owner": "bo"}, mapper, "User Profile", CATALOG) == {"mail.x": "a@x"}
    assert map_object({"email": "a@x"}, mapper, "Unknown", CATALOG) == {}


def test_a_schema_gives_dotted_paths():
    """MAP-102."""
    assert paths_of({"Offense": {"rules": {"id": "int"}}}) == {"Offense": ("rules", "rules.id")}
    assert paths_of({"A": {"x.y": "", "l": [{"k": 1}, {"k": 2}, "s"]}, "B": None}) == {
        "A": ("x\\.y", "l", "l.k"),
        "B": (),
    }
    assert paths_of(["no", "schema"]) == {}
