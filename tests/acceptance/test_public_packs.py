"""The public packs themselves: they load without a problem, and the ServiceNow and Cortex XDR mappers give what the product gives.

Nothing of them is part of this repository: set CASEMIRROR_PUBLIC_CONTENT to a checkout of the public content repository.
"""

import os
from pathlib import Path

import pytest

from casemirror.content import dependencies, params
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.mapping import filters, targets, transformers
from casemirror.mapping.classify import classify
from casemirror.mapping.compiled import rules_for, transformer_of
from casemirror.mapping.explain import explain_in
from casemirror.mapping.expressions import produce
from casemirror.mapping.incoming import map_in
from casemirror.mapping.lint import check
from casemirror.mapping.outgoing import map_out, readable_fields

CONTENT = os.environ.get("CASEMIRROR_PUBLIC_CONTENT", "")
PACKS = ["ServiceNow", "CortexXDR", "XSOARmirroring", "OTRS", "CommonTypes", "CommonScripts", "FiltersAndTransformers"]
MIRRORING = {"ServiceNow v2", "Cortex XDR - IR", "XSOAR Mirroring"}

pytestmark = pytest.mark.skipif(
    not CONTENT, reason="CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content repository"
)


@pytest.fixture(scope="module")
def packs():
    return {name: load(Path(CONTENT) / "Packs" / name)[0] for name in PACKS}


@pytest.fixture(scope="module")
def catalog(packs):
    return Catalog.of(item for pack in packs.values() for item in pack.items)


def test_all_packs_load_without_a_problem(packs, catalog):
    """content.md §2."""
    assert {name: [str(p) for p in pack.problems] for name, pack in packs.items() if pack.problems} == {}
    assert catalog.problems == ()
    assert all(pack.items and pack.version for pack in packs.values())


def test_mirroring_integrations_declare_what_they_can(catalog):
    """mirroring.md §0.1."""
    for name in MIRRORING:
        integration = catalog.integration(name)
        assert (integration.mirror_in, integration.mirror_out, integration.mappable, integration.fetch) == (True,) * 4
        assert integration.runnable == ""
        assert integration.source
        full = params.full(integration, params.defaults(integration), {})
        assert full.keys() == {p.name for p in integration.params if p.has_value}
    assert not catalog.integration("OTRS").mirrors


def test_references_of_the_mirroring_packs_resolve(catalog):
    """content.md §2.3: only what is known to exist nowhere is missing."""
    found = dependencies.missing(
        catalog,
        operators={*transformers.KNOWN, *filters.KNOWN},
        system_fields=targets.SYSTEM_NAMES,
        api_modules={"ServiceNowApiModule"},
    )
    users = (
        "mapper ServiceNow-",
        "mapper Cortex XDR",
        "mapper XSOAR",
        "integration ServiceNow v2",
        "integration Cortex XDR - IR",
    )
    assert {(m.kind, m.name) for m in found if m.user.startswith(users)} == {("incident type", "CortextXDRIncident")}


def test_every_operator_of_their_mappers_is_known(catalog):
    """content.md §7.1: no unknown operator in any mapper or classifier of these packs."""
    for mapper in catalog.mappers.values():
        for incident_type in mapper.sections:
            for rule in rules_for(mapper, incident_type):
                for step in getattr(rule.expression, "steps", ()):
                    assert step.transformer is not None, (mapper.id, rule.key, step.name)
                for group in getattr(rule.expression, "groups", ()):
                    assert all(condition.filter for condition in group), (mapper.id, rule.key)


TICKET = {
    "sys_id": "9d385017c611228701d22104cc95c371",
    "number": "INC0000001",
    "short_description": "Mail is down",
    "description": "Since this morning",
    "opened_at": "2022-05-01 13:42:53",
    "closed_at": "",
    "severity": "2",
    "priority": "1",
    "state": "2",
    "mirror_direction": "Both",
    "mirror_instance": "snow_instance_1",
    "mirror_tags": ["comments", "work_notes", "ForServiceNow"],
}


def test_a_servicenow_ticket_is_mapped_in(catalog):
    """content.md §7.4; MAP-047, MAP-059, MAP-078."""
    mapped = map_in(TICKET, catalog.mapper("ServiceNow-incoming-mapper"), "ServiceNow Ticket", catalog)
    expected = {
        "name": "Mail is down",
        "details": "Since this morning",
        "severity": 2,
        "servicenowstate": "2 - In Progress",
        "servicenowpriority": "1 - Critical",
        "servicenowticketid": TICKET["sys_id"],
        "ticketnumber": "INC0000001",
        "ticketopeneddate": "2022-05-01T13:42:53Z",
    }
    assert {name: mapped.fields.get(name) for name in expected} == expected
    assert mapped.told == mapped.fields
    assert mapped.mirror == {
        "dbotMirrorId": TICKET["sys_id"],
        "dbotMirrorInstance": "snow_instance_1",
        "dbotMirrorDirection": "Both",
        "dbotMirrorTags": TICKET["mirror_tags"],
    }
    assert [(w.field, w.operator) for w in mapped.warnings] == [("Ticket Closed Date", "FormattedDateToEpoch")]


@pytest.mark.parametrize(("remote", "local"), [("1", 1), ("2", 2), ("3", 1)])
def test_the_severity_swap_is_not_repaired(remote, local, catalog):
    """content.md §7.4."""
    mapper = catalog.mapper("ServiceNow-incoming-mapper")
    assert map_in({"severity": remote}, mapper, "ServiceNow Ticket", catalog).fields["severity"] == local


SEVERITIES = [
    (0, "1 - High - Low"),
    (0.5, "1 - High - Low.5"),
    (1, "1 - High - Low"),
    (2, "2 - Medium"),
    (3, "1 - High"),
    (4, "1 - High"),
]


@pytest.mark.parametrize(("severity", "remote"), SEVERITIES)
def test_a_servicenow_ticket_is_mapped_out(severity, remote, catalog):
    """content.md §7.4; MIR-158: an unset `closed` is filtered out."""
    mapper = catalog.mapper("ServiceNow-outgoing-mapper")
    source = {
        "name": "Mail is down",
        "details": "d",
        "severity": severity,
        "closed": "0001-01-01T00:00:00Z",
        "servicenowstate": "2 - In Progress",
        "remediationsla": {"dueDate": "2022-01-01T00:00:00Z"},
    }
    mapped = map_out(source, mapper, "ServiceNow Ticket", dirty={"severity"}, passthrough=("owner",))
    assert mapped.delta == {"severity": remote}
    assert mapped.data == {
        "short_description": "Mail is down",
        "description": "d",
        "severity": remote,
        "state": "2 - In Progress",
        "sla_due": "2022-01-01T00:00:00Z",
    }
    assert mapped.warnings == ()
    assert {"severity", "name", "servicenowstate", "remediationsla", "closed"} <= readable_fields(
        mapper, "ServiceNow Ticket"
    )


@pytest.mark.parametrize(
    ("description", "incident_type"),
    [
        ("Port Scan from 10.0.0.1", "Cortex XDR Port Scan"),
        ("Malware", "Cortex XDR Incident"),
        ("", "Cortex XDR Incident"),
    ],
)
def test_cortex_xdr_incidents_are_classified(description, incident_type, catalog):
    """content.md §7.3 (b): the classifier's expression."""
    classifier = catalog.classifier("Cortex XDR - IR")
    assert classify({"description": description}, classifier) == incident_type


def test_no_expression_of_any_mapper_fails_on_an_empty_object(catalog):
    """content.md §3.4: what is not there gives no value."""
    for mapper in catalog.mappers.values():
        for incident_type in mapper.sections:
            for rule in rules_for(mapper, incident_type):
                produce(rule.expression, {})
    for classifier in catalog.classifiers.values():
        produce(transformer_of(classifier), {})


EXPLAINED = {
    "mail-listener-mapper": {"mirror", "field"},  # its fields are in the pack Phishing, and it does not mirror
    "XSOAR-Incoming-Mapper": {"mirror"},  # the integration puts the mirror fields on the incident itself
    "Cortex XDR - IR-mapper": {"type", "mirror"},  # one type exists nowhere, and port scans are not mirrored
    "User Profile - ServiceNow (Incoming)": {"type", "mirror", "field"},  # identity management: a private pack
    "User Profile - ServiceNow (Outgoing)": {"type", "reads"},
}
KINDS = {
    "will not mirror because": "mirror",
    "no incident field has this name": "field",
    "no such incident type is installed": "type",
    "which is no field of an incident": "reads",
}


def test_every_warning_about_their_mappers_is_explained(catalog):
    """content.md §2.3: what they name and nothing provides is known."""
    found = {
        mapper.id: {_kind(finding.text) for finding in check(mapper, catalog)} for mapper in catalog.mappers.values()
    }
    assert {name: kinds for name, kinds in found.items() if kinds} == EXPLAINED


def _kind(text):
    return next((kind for words, kind in KINDS.items() if words in text), text)


XDR_INCIDENT = {
    "incident_id": "4711",
    "incident_name": None,
    "creation_time": 1647349922000,
    "modification_time": 1647353522000,
    "detection_time": None,
    "status": "under_investigation",
    "severity": "medium",
    "description": "'Behavioral threat' detected on host ws-1 involving user acme\\ann",
    "assigned_user_mail": "ann@example.com",
    "assigned_user_pretty_name": "Ann Example",
    "alert_count": 2,
    "low_severity_alert_count": 0,
    "med_severity_alert_count": 2,
    "high_severity_alert_count": 0,
    "user_count": 1,
    "host_count": 1,
    "notes": None,
    "resolve_comment": None,
    "xdr_url": "https://acme.example.com/incident-view?caseId=4711",
    "starred": False,
    "hosts": ["ws-1:0123456789abcdef"],
    "users": ["acme\\ann"],
    "alerts": [
        {
            "alert_id": "11",
            "category": "Malware",
            "name": "Behavioral threat",
            "severity": "medium",
            "host_name": "ws-1",
        },
        {"alert_id": "12", "category": "Malware", "name": "Behavioral threat", "severity": "low", "host_name": "ws-1"},
    ],
    "file_artifacts": [{"type": "HASH", "file_name": "x.exe", "file_sha256": "abc", "alert_count": 1}],
    "network_artifacts": [{"type": "IP", "network_remote_ip": "203.0.113.9", "network_remote_port": 443}],
    "mirror_direction": "Both",
    "mirror_instance": "xdr_1",
}


def test_a_cortex_xdr_incident_is_mapped_in(catalog):
    """An incident as the vendor's API documentation shows it."""
    mapper = catalog.mapper("Cortex XDR - IR-mapper")
    kind = classify(XDR_INCIDENT, catalog.classifier("Cortex XDR - IR"))
    assert kind == "Cortex XDR Incident"
    mapped = map_in(XDR_INCIDENT, mapper, kind, catalog)
    expected = {
        "severity": 2,
        "occurred": "2022-03-15T13:12:02Z",
        "xdrmodificationtime": "2022-03-15T14:12:02Z",
        "xdrincidentid": "4711",
        "xdrstatusv2": "under_investigation",
        "xdrassigneduseremail": "ann@example.com",
        "xdralertcount": 2,
        "xdrfilename": ["x.exe"],
        "hostnames": ["ws-1"],
        "xdrurl": "https://acme.example.com/incident-view?caseId=4711",
    }
    assert {name: mapped.fields.get(name) for name in expected} == expected
    assert [row["alert_id"] for row in mapped.fields["xdralerts"]] == ["11", "12"]
    assert mapped.mirror == {"dbotMirrorId": "4711", "dbotMirrorInstance": "xdr_1", "dbotMirrorDirection": "Both"}
    assert mapped.warnings == ()


def test_a_cortex_xdr_incident_is_mapped_out(catalog):
    """content.md §3.9: closing names go along although the mapper lacks them."""
    mapper = catalog.mapper("Cortex XDR - IR-out-mapper")
    source = {"severity": 3, "xdrstatusv2": "resolved_other", "xdrassigneduseremail": "bo@example.com", "owner": "bo"}
    mapped = map_out(source, mapper, "Cortex XDR Incident", dirty={"xdrstatusv2", "owner"}, passthrough=("owner",))
    assert mapped.delta == {"status": "resolved_other", "owner": "bo"}
    assert mapped.warnings == ()


def test_an_xsoar_incident_is_mapped_in(catalog):
    """An incident as another server's API gives it."""
    incident = {
        "id": "77",
        "name": "Phishing mail",
        "type": "Phishing",
        "severity": 3,
        "owner": "bo",
        "details": "A user reported a mail",
        "occurred": "2022-03-01T10:00:00Z",
        "phase": "",
        "dbotMirrorInstance": "other-server",
    }
    mapped = map_in(incident, catalog.mapper("XSOAR-Incoming-Mapper"), "Phishing", catalog)
    names = ("name", "severity", "owner", "details", "occurred", "phase")
    assert mapped.fields == {name: incident[name] for name in names}
    assert mapped.mirror == {"dbotMirrorInstance": "other-server"}


@pytest.mark.parametrize("name", ["ServiceNow SIR Incident", "ServiceNow Ticket"])
def test_no_line_of_the_servicenow_mappers_fails_on_a_whole_record(name, catalog):
    """A record of the vendor's Table API, every value a text, references resolved to display values."""
    record = {
        **TICKET,
        "closed_at": "2022-05-02 08:00:00",
        "sla_due": "2022-05-03 00:00:00",
        "due_date": "2022-05-04 00:00:00",
        "impact": "2",
        "urgency": "3",
        "notify": "1",
        "category": "network",
        "subcategory": "dns",
        "assigned_to": "ann@example.com",
        "caller_id": "Bo",
        "assignment_group": "Service Desk",
        "escalation": "0",
    }
    mapped, lines = explain_in(record, catalog.mapper("ServiceNow-incoming-mapper"), name, catalog)
    assert mapped.warnings == ()
    assert not [line for line in lines if line.warning]
    assert len(mapped.fields) >= 10
