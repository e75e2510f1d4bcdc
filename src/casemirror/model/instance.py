"""Instances: a configured integration, and what it keeps for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from casemirror.model.ids import InstanceId
from casemirror.model.values import Fields, Json


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A configured integration.

    params   every parameter that is no secret, by name; secrets are in the store's own table, encrypted,
             and come together with these only in the runtime's hands (`store.instances.params`)
    brand    id of the integration
    egress   hosts that it may reach (`model.egress`); empty: all
    """

    id: InstanceId
    name: str
    brand: str
    enabled: bool = True
    params: Mapping[str, Json] = field(default_factory=dict)
    classifier: str = ""
    mapper_in: str = ""
    mapper_out: str = ""
    """ids of content items; empty: none"""
    last_run: Fields = field(default_factory=dict)
    last_mirror_run: Fields = field(default_factory=dict)
    health: str = ""
    egress: tuple[str, ...] = ()
    created_at: datetime
    modified_at: datetime
