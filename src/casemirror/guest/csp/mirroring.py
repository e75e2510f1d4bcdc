"""What the four mirror commands are given and what they answer.

Three repairs against the shipped classes, each because the published contract allows what those lose or refuse: entries beside an empty
object are kept, `modified_incident_entries` is a keyword, and a single SchemeTypeMapping is enough.
"""

from csp.entries import EntryFormat, EntryType
from csp.host import demisto


class UpdateRemoteSystemArgs:
    """Arguments of update-remote-system, every one of them None when absent."""

    def __init__(self, args):
        self.data = args.get("data")
        self.entries = args.get("entries")
        self.incident_changed = args.get("incidentChanged")
        self.remote_incident_id = args.get("remoteId")
        self.inc_status = args.get("status")
        self.delta = args.get("delta")


class GetRemoteDataArgs:
    """Arguments of get-remote-data; KeyError when one is absent."""

    def __init__(self, args):
        self.remote_incident_id = args["id"]
        self.last_update = args["lastUpdate"]


class GetModifiedRemoteDataArgs:
    """Arguments of get-modified-remote-data; KeyError when `lastUpdate` is absent."""

    def __init__(self, args):
        self.last_update = args["lastUpdate"]


class GetRemoteDataResponse:
    """Answer of get-remote-data: the remote object as a dict, and new war-room entries as a list."""

    def __init__(self, mirrored_object, entries=None):
        self.mirrored_object = mirrored_object
        self.entries = entries or []

    def extract_for_local(self):
        """One list, the object first and the entries after it; None when there is neither."""
        if not self.mirrored_object and not self.entries:
            return None
        return [self.mirrored_object or {}] + list(self.entries)


class GetModifiedRemoteDataResponse:
    """Answer of get-modified-remote-data.

    modified_incident_ids       ids of the remote objects that changed
    modified_incident_entries   or the whole objects, each a list as get-remote-data gives it; used when no ids are given
    """

    def __init__(self, modified_incident_ids=None, modified_incident_entries=None):
        self.modified_incident_ids = modified_incident_ids
        self.modified_incident_entries = modified_incident_entries

    def to_entry(self):
        """A note in JSON with the ids (or objects) as its contents: an empty list says that nothing changed."""
        contents = self.modified_incident_ids
        if contents is None:
            contents = self.modified_incident_entries
        demisto.info(f"Modified incidents: {contents}")
        return {"Contents": contents, "Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON}


class SchemeTypeMapping:
    """The fields of one remote type, for the mapper editor: {field: description}."""

    def __init__(self, type_name="", fields=None):
        self.type_name = type_name
        self.fields = fields or {}

    def add_field(self, name, description=""):
        """Add one field."""
        self.fields[name] = description

    def extract_mapping(self):
        """{type name: {field: description}}"""
        return {self.type_name: self.fields}


class GetMappingFieldsResponse:
    """Answer of get-mapping-fields: one SchemeTypeMapping, or a list of them."""

    def __init__(self, scheme_types_mapping=None):
        if isinstance(scheme_types_mapping, SchemeTypeMapping):
            scheme_types_mapping = [scheme_types_mapping]
        self.scheme_types_mappings = list(scheme_types_mapping or [])

    def add_scheme_type(self, scheme_type_mapping):
        """Add one type."""
        self.scheme_types_mappings.append(scheme_type_mapping)

    def extract_mapping(self):
        """{type name: {field: description}} of all types; of two with one name the later wins."""
        merged = {}
        for scheme in self.scheme_types_mappings:
            merged.update(scheme.extract_mapping())
        return merged
