"""Incident fields and incident types.   Source: content.md §5.1, §5.2, §5.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from casemirror.content.reading import flag, integer, mappings, text, texts
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

LIST_TYPES: Final = frozenset({"multiSelect", "tagsSelect", "role"})
"""Field types whose value is a list of texts."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a grid field; `key` is its name in the rows."""

    key: str
    display: str = ""
    type: str = "shortText"
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IncidentField:
    """A custom field. `cli_name` is its key in incidents and outgoing mappers, `name` its key in incoming mappers.

    sla_minutes    of a timer: what it is given when it starts
    """

    id: str
    name: str
    cli_name: str
    type: str = "shortText"
    description: str = ""
    select_values: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    associated_types: tuple[str, ...] = ()
    associated_to_all: bool = False
    required: bool = False
    read_only: bool = False
    hidden: bool = False
    close_form: bool = False
    edit_form: bool = True
    open_ended: bool = False
    unmapped: bool = False
    sla_minutes: int = 0

    @property
    def is_timer(self) -> bool:
        """Its value is an object with due date and SLA minutes."""
        return self.type == "timer"

    @property
    def is_list(self) -> bool:
        """Its value is a list of texts."""
        return self.type in LIST_TYPES

    def shows_on(self, incident_type: str) -> bool:
        """Incidents of this type show it; mappers may write it whatever the type."""
        return self.associated_to_all or incident_type in self.associated_types


@dataclass(frozen=True, kw_only=True)
class IncidentType:
    """A kind of incident; references to playbooks, scripts and layouts are kept and not acted on."""

    id: str
    name: str
    color: str = ""
    playbook: str = ""
    autorun: bool = False
    closure_script: str = ""
    layout: str = ""
    disabled: bool = False


def parse_field(body: Mapping[str, Json]) -> IncidentField:
    """Build an incident field. Raises Invalid without a `cliName` or a name."""
    cli_name = text(body.get("cliName"))
    name = text(body.get("name")) or cli_name
    if not cli_name or not name:
        raise Invalid("an incident field needs a name and a cliName")
    return IncidentField(
        id=text(body.get("id")) or f"incident_{cli_name}",
        name=name,
        cli_name=cli_name,
        type=text(body.get("type")) or "shortText",
        description=text(body.get("description")),
        select_values=texts(body.get("selectValues")),
        columns=tuple(_column(c) for c in mappings(body.get("columns")) if text(c.get("key"))),
        associated_types=tuple(
            dict.fromkeys(texts(body.get("associatedTypes")) + texts(body.get("systemAssociatedTypes")))
        ),
        associated_to_all=flag(body.get("associatedToAll")),
        required=flag(body.get("required")),
        read_only=flag(body.get("isReadOnly")),
        hidden=flag(body.get("hidden")),
        close_form=flag(body.get("closeForm")),
        edit_form=flag(body.get("editForm", True)),
        open_ended=flag(body.get("openEnded")),
        unmapped=flag(body.get("unmapped")),
        sla_minutes=integer(body.get("sla")),
    )


def _column(raw: Mapping[str, Json]) -> Column:
    return Column(
        key=text(raw.get("key")),
        display=text(raw.get("displayName")) or text(raw.get("key")),
        type=text(raw.get("type")) or "shortText",
        required=flag(raw.get("required")),
        options=texts(raw.get("selectValues")),
    )


def parse_type(body: Mapping[str, Json]) -> IncidentType:
    """Build an incident type. Raises Invalid without a name."""
    name = text(body.get("name")) or text(body.get("id"))
    if not name:
        raise Invalid("an incident type needs a name")
    return IncidentType(
        id=text(body.get("id")) or name,
        name=name,
        color=text(body.get("color")),
        playbook=text(body.get("playbookId")),
        autorun=flag(body.get("autorun")),
        closure_script=text(body.get("closureScript")),
        layout=text(body.get("layout")),
        disabled=flag(body.get("disabled")),
    )
