"""`demisto.mapObject`: run a mapper on a plain object, outside any incident.   Source: content.md §3.11; MAP-099."""

from __future__ import annotations

from casemirror.content.catalog import Catalog
from casemirror.content.items import Mapper
from casemirror.mapping.incoming import map_in
from casemirror.mapping.outgoing import map_out
from casemirror.mapping.outside import NOWHERE, Outside
from casemirror.model.values import Json


def map_object(
    source: Json, mapper: Mapper, incident_type: str, catalog: Catalog, outside: Outside = NOWHERE
) -> dict[str, Json]:
    """A flat object: keyed by cliName (incoming mapper) or by remote name (outgoing); no labels. Raises nothing.

    An unknown type gets the common mapping only.
    """
    if mapper.incoming:
        mapped = map_in(source, mapper, incident_type, catalog, outside=outside)
        return {**mapped.fields, **mapped.mirror}
    given = source if isinstance(source, dict) else {}
    return map_out(given, mapper, incident_type, dirty=(), passthrough=(), outside=outside).data
