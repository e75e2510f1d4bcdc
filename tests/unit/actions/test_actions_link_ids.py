"""Names that say that a field or label holds a foreign id."""

from __future__ import annotations

import pytest

from casemirror.actions.links_ids import tells_an_id


@pytest.mark.parametrize(
    "name",
    [
        "Alert ID",
        "External System ID",
        "ServiceNow Ticket Number",
        "externalId",
        "sys_id",
        "Issue Key",
        "XDR Incident ID",
        "id",
    ],
)
def test_such_names_do(name: str) -> None:
    assert tells_an_id(name)


@pytest.mark.parametrize(
    "name", ["Resource ID", "External Category ID", "Ticket State", "Phone Number", "Brand", "", "Idea", "Case Owner"]
)
def test_other_names_do_not(name: str) -> None:
    """Ids of categories, machines and people are not those of tickets."""
    assert not tells_an_id(name)
