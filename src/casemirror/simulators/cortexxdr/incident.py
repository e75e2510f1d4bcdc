"""What an incident and its alerts consist of, and what follows from what: counts, hosts, users and severity from the alerts.

Source: "Get all Incidents", "Get Extra Incident Data" (response fields); "Update an Incident" (statuses).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]

RESOLVED = (
    "resolved_threat_handled",
    "resolved_known_issue",
    "resolved_duplicate",
    "resolved_duplicate_incident",
    "resolved_false_positive",
    "resolved_true_positive",
    "resolved_security_testing",
    "resolved_other",
    "resolved_auto",
    "resolved_auto_resolve",
)
"""All that any release documents; the lists differ."""
STATUSES = ("new", "under_investigation", *RESOLVED)
MANUAL_SEVERITIES = ("high", "medium", "low")
SEVERITIES = ("unknown", "informational", "low", "medium", "high", "critical")
"""Of alerts, rising."""

_COUNTED = {"low": "low", "medium": "med", "high": "high", "critical": "critical"}


def new(incident_id: str, now_ms: int, url: str) -> Row:
    """An incident without alerts, made now."""
    return {
        "incident_id": incident_id,
        "incident_name": None,
        "creation_time": now_ms,
        "modification_time": now_ms,
        "detection_time": None,
        "status": "new",
        "severity": "medium",
        "description": "",
        "assigned_user_mail": None,
        "assigned_user_pretty_name": None,
        "notes": None,
        "resolve_comment": None,
        "resolved_timestamp": None,
        "manual_severity": None,
        "manual_description": None,
        "manual_score": None,
        "rule_based_score": None,
        "wildfire_hits": 0,
        "alerts_grouping_status": "Enabled",
        "starred": False,
        "xdr_url": f"{url}/incident-view?caseId={incident_id}",
    }


def alert(alert_id: str, case_id: str, now_ms: int, given: Mapping[str, Any]) -> Row:
    """An alert of the incident `case_id`; `given` over the defaults."""
    return {
        "alert_id": alert_id,
        "case_id": int(case_id),
        "external_id": f"ext-{alert_id}",
        "name": "Suspicious process",
        "description": "A process did what processes seldom do",
        "category": "Malware",
        "severity": "medium",
        "source": "XDR Agent",
        "action": "DETECTED",
        "action_pretty": "Detected",
        "matching_status": "MATCHED",
        "detection_timestamp": now_ms,
        "local_insert_ts": now_ms,
        "host_name": "host-1",
        "host_ip": "10.0.0.1",
        "user_name": "erin",
        "endpoint_id": "e1",
        "mitre_tactic_id_and_name": "TA0002 - Execution",
        "mitre_technique_id_and_name": "T1059 - Command and Scripting Interpreter",
        "starred": False,
        "is_whitelisted": False,
    } | dict(given)


def derived(alerts: Sequence[Row]) -> Row:
    """The fields of an incident that follow from its alerts; severity: the highest."""
    if not alerts:
        return _counts(()) | {"hosts": [], "users": [], "incident_sources": []}
    worst = max(alerts, key=lambda each: SEVERITIES.index(each["severity"]))
    return _counts(alerts) | {
        "severity": worst["severity"],
        "hosts": _distinct(f"{each['host_name']}:{each['endpoint_id']}" for each in alerts if each["host_name"]),
        "users": _distinct(each["user_name"] for each in alerts),
        "incident_sources": _distinct(each["source"] for each in alerts),
        "alert_categories": _distinct(each["category"] for each in alerts),
        "mitre_tactics_ids_and_names": _distinct(each["mitre_tactic_id_and_name"] for each in alerts),
        "mitre_techniques_ids_and_names": _distinct(each["mitre_technique_id_and_name"] for each in alerts),
    }


def _counts(alerts: Sequence[Row]) -> Row:
    severities = Counter(each["severity"] for each in alerts)
    found = {f"{short}_severity_alert_count": severities[name] for name, short in _COUNTED.items()}
    hosts, users = ({each[name] for each in alerts if each[name]} for name in ("host_name", "user_name"))
    return found | {"alert_count": len(alerts), "host_count": len(hosts), "user_count": len(users)}


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
