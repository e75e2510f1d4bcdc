"""The six fields that the examples of MAP-070…084 use, one field of every other type, and the incident of MAP-085…094."""

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog

FIELDS = {
    "XDR Status": "singleSelect",
    "Hosts": "multiSelect",
    "Score": "number",
    "Note": "shortText",
    "Grid": "grid",
    "Flag": "boolean",
    "Seen": "date",
    "Remediation SLA": "timer",
    "Tags": "tagsSelect",
    "Raw": "internal",
    "IncomingMirrorError": "shortText",
}


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    bodies = [
        {
            "id": f"incident_{name.replace(' ', '').lower()}",
            "name": name,
            "cliName": name.replace(" ", "").lower(),
            "type": kind,
        }
        for name, kind in FIELDS.items()
    ]
    bodies.append({"name": "Teams", "cliName": "teams", "type": "multiSelect", "selectValues": ["red", "blue", "x,y"]})
    return Catalog.of([items.make("incidentfield", body) for body in bodies])


@pytest.fixture
def i0() -> dict:
    """`I0` as the outgoing namespace shows it: custom fields nested and at top level."""
    custom = {"xdrstatus": "new", "remediationsla": {"dueDate": "2022-01-01T00:00:00Z"}}
    system = {"id": "12", "type": "T", "name": "N", "severity": 2, "details": "d", "closed": "0001-01-01T00:00:00Z"}
    return {**custom, **system, "CustomFields": custom}
