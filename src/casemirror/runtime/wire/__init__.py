"""Replies of commands → our words, and our words → arguments: the only place (beside `guest`) with the contract's spelling.

Nothing here talks to anything; of the disk it only looks which files a command left in its folder.   Source: mirroring.md §1.

======================  ========================================================================================================
`values`                what replies become: `RemoteData`, `PollAnswer`
`replies`               `parse_poll`, `parse_pull`, `parse_push`, `parse_report`, `parse_fetch`, `parse_test`, `parse_schema`,
                        `parse_entries`, `parse_answer`
`absences`             which answers say that the remote object is not there
`entries`               one war-room entry, in and out
`arguments`             what mirror commands are called with
`incident`              the incident in the contract's form, and fetched dicts
======================  ========================================================================================================
"""

from casemirror.runtime.wire.absences import absence
from casemirror.runtime.wire.arguments import poll_arguments, pull_arguments, push_arguments
from casemirror.runtime.wire.entries import outgoing_entry, parse_tags, produced_file, reference
from casemirror.runtime.wire.incident import (
    incident_json,
    investigation_json,
    new_incident,
    outgoing_source,
    parse_mirror_fields,
    parse_occurred,
    parse_severity,
)
from casemirror.runtime.wire.replies import (
    error_text,
    judged,
    parse_answer,
    parse_entries,
    parse_fetch,
    parse_poll,
    parse_pull,
    parse_push,
    parse_report,
    parse_schema,
    parse_test,
)
from casemirror.runtime.wire.values import (
    PollAnswer,
    PushReport,
    RemoteData,
    remote_data_from_json,
    remote_data_to_json,
    shown,
)

__all__ = [
    "PollAnswer",
    "PushReport",
    "RemoteData",
    "absence",
    "error_text",
    "incident_json",
    "investigation_json",
    "judged",
    "new_incident",
    "outgoing_entry",
    "outgoing_source",
    "parse_answer",
    "parse_entries",
    "parse_fetch",
    "parse_mirror_fields",
    "parse_occurred",
    "parse_poll",
    "parse_pull",
    "parse_push",
    "parse_report",
    "parse_schema",
    "parse_severity",
    "parse_tags",
    "parse_test",
    "poll_arguments",
    "produced_file",
    "pull_arguments",
    "push_arguments",
    "reference",
    "remote_data_from_json",
    "remote_data_to_json",
    "shown",
]
