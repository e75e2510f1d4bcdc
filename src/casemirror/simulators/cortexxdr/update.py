"""`update_incident`: what `update_data` may say, and what it makes of an incident.

Source: "Update an Incident".
"""

from collections.abc import Mapping
from typing import Any

from . import errors
from .incident import MANUAL_SEVERITIES, RESOLVED, STATUSES, Row

_FIELDS = (
    "assigned_user_mail",
    "assigned_user_pretty_name",
    "manual_severity",
    "status",
    "resolve_comment",
    "comment",
)


def applied(row: Row, asked: Mapping[str, Any], users: Mapping[str, str], now_ms: int) -> tuple[Row, str | None]:
    """(the incident after it, the comment that it adds).  users: mail address → name.  Raises ApiError 500.

    A field that is not there is left alone; one that there is not at all is refused (undocumented).
    """
    unknown = sorted(set(asked) - set(_FIELDS))
    if unknown:
        raise errors.invalid(f"update_data has no {', '.join(unknown)}; it has {', '.join(_FIELDS)}")
    changed = row | _assignment(asked, users) | _severity(asked) | _status(row, asked, now_ms)
    if "resolve_comment" in asked:
        changed["resolve_comment"] = _resolve_comment(changed, asked["resolve_comment"])
    return changed, _comment(asked.get("comment"))


def _assignment(asked: Mapping[str, Any], users: Mapping[str, str]) -> Row:
    if "assigned_user_mail" not in asked:
        if _said(asked.get("assigned_user_pretty_name")):
            raise errors.invalid("assigned_user_pretty_name needs assigned_user_mail in the same request")
        return {}
    mail = _said(asked["assigned_user_mail"])
    if not mail:
        return {"assigned_user_mail": None, "assigned_user_pretty_name": None}
    if mail not in users:
        raise errors.invalid(f"assigned_user_mail {mail} belongs to no user of this tenant")
    name = _said(asked.get("assigned_user_pretty_name")) or users[mail]
    return {"assigned_user_mail": mail, "assigned_user_pretty_name": name}


def _severity(asked: Mapping[str, Any]) -> Row:
    if "manual_severity" not in asked:
        return {}
    severity = _said(asked["manual_severity"]).lower()
    if severity and severity not in MANUAL_SEVERITIES:
        raise errors.invalid(f"manual_severity must be {', '.join(MANUAL_SEVERITIES)} or none, not {severity}")
    return {"manual_severity": severity or None}


def _status(row: Row, asked: Mapping[str, Any], now_ms: int) -> Row:
    if "status" not in asked:
        return {}
    status = str(asked["status"]).lower()  # older pages print them in capitals
    if status not in STATUSES:
        raise errors.invalid(f"status must be one of {', '.join(STATUSES)}, not {asked['status']}")
    if status not in RESOLVED:
        return {"status": status, "resolved_timestamp": None}
    return {"status": status, "resolved_timestamp": row["resolved_timestamp"] or now_ms}


def _resolve_comment(row: Row, comment: Any) -> str | None:
    said = None if comment is None else str(comment)
    if said and row["status"] not in RESOLVED:
        raise errors.invalid("resolve_comment can be set only for resolved incidents")
    return said


def _comment(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("comment_action") != "add" or not isinstance(given.get("value"), str):
        raise errors.invalid('comment must be {"comment_action": "add", "value": text}')
    return str(given["value"])


def _said(value: Any) -> str:
    """The text; "" for null, "" and "none", which all take a value away."""
    text = "" if value is None else str(value).strip()
    return "" if text.lower() == "none" else text
