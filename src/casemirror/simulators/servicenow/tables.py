"""The tables that the simulated instance has: columns, types, choices and number formats.

A reduced copy of the base system's dictionary: every column that a mirrored ticket shows, none of its inheritance machinery.
Source: ServiceNow docs "Table API" (example records), "Incident Management", "Security Incident Response"; choices as in the base system.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

# One word a column; its last sign tells the type: # integer, ? boolean, @ date-time, ~ journal, >table reference, none = string.
_SYSTEM: Final = "sys_id sys_created_on@ sys_created_by sys_updated_on@ sys_updated_by sys_mod_count# sys_tags"
_TASK: Final = """
number short_description description state# active? priority# impact# urgency# escalation# order# comments~ work_notes~ comments_and_work_notes~
assigned_to>sys_user assignment_group>sys_user_group opened_by>sys_user closed_by>sys_user opened_at@ closed_at@ due_date@ close_notes
activity_due@ additional_assignee_list approval approval_history approval_set@ business_duration business_service>cmdb_ci_service
calendar_duration cmdb_ci>cmdb_ci company>core_company contact_type contract>ast_contract correlation_display correlation_id
delivery_plan delivery_task expected_start@ follow_up@ group_list knowledge? location>cmn_location made_sla? parent>task
reassignment_count# route_reason# service_offering>service_offering sla_due@ sys_class_name sys_domain>sys_user_group sys_domain_path
task_effective_number time_worked universal_request upon_approval upon_reject user_input watch_list work_end@ work_notes_list work_start@
"""
_INCIDENT: Final = """
caller_id>sys_user category subcategory severity# incident_state# close_code hold_reason# notify# business_impact business_stc#
calendar_stc# cause caused_by>change_request child_incidents# origin_id origin_table parent_incident>incident problem_id>problem
reopen_count# reopened_by>sys_user reopened_time@ resolved_at@ resolved_by>sys_user rfc>change_request
"""
_PROBLEM: Final = "category subcategory close_code known_error? problem_state# resolution_code resolved_at@ resolved_by>sys_user fix_notes cause_notes workaround rfc>change_request"
_CHANGE: Final = """
type category risk# phase phase_state reason scope# start_date@ end_date@ requested_by>sys_user close_code backout_plan implementation_plan
justification test_plan risk_impact_analysis cab_required? cab_date@ cab_recommendation change_plan conflict_status conflict_last_run@
on_hold? on_hold_reason outside_maintenance_schedule? production_system? review_status# review_date@ review_comments requested_by_date@
std_change_producer_version unauthorized?
"""
_SECURITY: Final = """
affected_user>sys_user caller>sys_user category subcategory severity# business_criticality# risk# risk_score# close_code contact_type
attack_vector opened_for>sys_user request_type security_tags substate# vector caller_id>sys_user estimated_end@ incident>incident
parent_security_incident>sn_si_incident problem>problem change_request>change_request external_url alert_sensor dest_ip source_ip
malware_url malware_hash new_pir_respondents referrer_url other_ioc template qualification_group
"""
_SC_TASK: Final = "request>sc_request request_item>sc_req_item calendar_stc# sc_catalog"
_REQ_ITEM: Final = "request>sc_request cat_item>sc_cat_item quantity# price stage requested_for>sys_user estimated_delivery@ billable? configuration_item>cmdb_ci"
_SHAPES: Final[Mapping[str, str]] = {
    "incident": f"{_SYSTEM} {_TASK} {_INCIDENT}",
    "problem": f"{_SYSTEM} {_TASK} {_PROBLEM}",
    "change_request": f"{_SYSTEM} {_TASK} {_CHANGE}",
    "sn_si_incident": f"{_SYSTEM} {_TASK} {_SECURITY}",
    "sc_task": f"{_SYSTEM} {_TASK} {_SC_TASK}",
    "sc_req_item": f"{_SYSTEM} {_TASK} {_REQ_ITEM}",
    "sys_user": f"{_SYSTEM} user_name name first_name last_name email title phone active? time_zone",
    "sys_user_group": f"{_SYSTEM} name description email manager>sys_user active? parent>sys_user_group",
    "sys_journal_field": "sys_id sys_created_on@ sys_created_by sys_tags name element element_id value",
    "sys_attachment": f"{_SYSTEM} file_name table_name table_sys_id content_type size_bytes# size_compressed# compressed? download_link "
    "image_height# image_width# average_image_color",
    "sys_db_object": f"{_SYSTEM} name label super_class>sys_db_object number_ref",
    "sys_dictionary": f"{_SYSTEM} name element column_label internal_type reference active? mandatory?",
    "sys_choice": f"{_SYSTEM} name element value label sequence# inactive?",
}
_TYPES: Final = {"#": "integer", "?": "boolean", "@": "glide_date_time", "~": "journal_input"}

TASKS: Final = ("incident", "problem", "change_request", "sn_si_incident", "sc_task", "sc_req_item")
JOURNALS: Final = ("comments", "work_notes")
NUMBER_PREFIXES: Final[Mapping[str, str]] = {
    "incident": "INC", "problem": "PRB", "change_request": "CHG", "sn_si_incident": "SIR", "sc_task": "SCTASK", "sc_req_item": "RITM",
}  # fmt: skip

_HIGH_LOW: Final = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
_CATALOG_STATES: Final = {
    "-5": "Pending", "1": "Open", "2": "Work in Progress", "3": "Closed Complete", "4": "Closed Incomplete", "7": "Closed Skipped",
}  # fmt: skip
_INCIDENT_STATES: Final = {
    "1": "New",
    "2": "In Progress",
    "3": "On Hold",
    "6": "Resolved",
    "7": "Closed",
    "8": "Canceled",
}
_TASK_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "impact": _HIGH_LOW,
    "urgency": _HIGH_LOW,
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"},
    "approval": {
        "not requested": "Not Yet Requested",
        "requested": "Requested",
        "approved": "Approved",
        "rejected": "Rejected",
    },
}
_CHOICES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "incident": {
        "state": _INCIDENT_STATES,
        "incident_state": _INCIDENT_STATES,
        "severity": _HIGH_LOW,
        "hold_reason": {"1": "Awaiting Caller", "3": "Awaiting Problem", "4": "Awaiting Vendor", "5": "Awaiting Change"},
        "notify": {"1": "Do Not Notify", "2": "Send Email", "3": "Phone"},
    },
    "problem": {"state": {"1": "Open", "2": "Known Error", "3": "Pending Change", "4": "Closed/Resolved"}},
    "change_request": {
        "state": {
            "-5": "New", "-4": "Assess", "-3": "Authorize", "-2": "Scheduled", "-1": "Implement", "0": "Review", "3": "Closed", "4": "Canceled",
        },
        "type": {"normal": "Normal", "standard": "Standard", "emergency": "Emergency"},
        "risk": {"2": "High", "3": "Moderate", "4": "Low"},
    },
    "sn_si_incident": {
        "state": {
            "10": "Draft", "16": "Analysis", "18": "Contain", "19": "Eradicate", "20": "Recover", "100": "Review", "3": "Closed", "7": "Cancelled",
        },
        "severity": _HIGH_LOW,
        "business_criticality": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Non-critical"},
    },
    "sc_task": {"state": _CATALOG_STATES},
    "sc_req_item": {"state": _CATALOG_STATES},
}  # fmt: skip

CLOSED_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "incident": ("7", "8"), "problem": ("4",), "change_request": ("3", "4"), "sn_si_incident": ("3", "7"),
    "sc_task": ("3", "4", "7"), "sc_req_item": ("3", "4", "7"),
}  # fmt: skip
"""States in which a ticket is no longer active; the first is the one a person closes with."""

_TASK_DEFAULTS: Final = {
    "active": "true", "approval": "not requested", "escalation": "0", "impact": "3", "urgency": "3", "priority": "5", "knowledge": "false",
    "made_sla": "true", "reassignment_count": "0", "sys_domain": "global", "sys_domain_path": "/", "upon_approval": "proceed", "upon_reject": "cancel",
}  # fmt: skip
_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "incident": {"state": "1", "incident_state": "1", "severity": "3", "notify": "1", "reopen_count": "0", "child_incidents": "0", "category": "inquiry"},
    "problem": {"state": "1", "problem_state": "1"},
    "change_request": {"state": "-5", "type": "normal", "risk": "3"},
    "sn_si_incident": {"state": "10", "severity": "3", "business_criticality": "3"},
    "sc_task": {"state": "1"},
    "sc_req_item": {"state": "1", "quantity": "1"},
    "sys_user": {"active": "true"},
    "sys_user_group": {"active": "true"},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the dictionary; `choices` is code → label."""

    name: str
    type: str
    reference: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table; `blank` is a row with every column at its default."""

    name: str
    columns: Mapping[str, Column]
    blank: Mapping[str, str]
    references: tuple[str, ...]

    @property
    def is_task(self) -> bool:
        return self.name in TASKS

    @property
    def display_column(self) -> str:
        """The column whose value stands for a whole record of this table."""
        return "number" if self.is_task else "name" if "name" in self.columns else "sys_id"


@cache
def find(name: str) -> Table | None:
    """The table of this name; None when the instance has none."""
    shape = _SHAPES.get(name)
    if shape is None:
        return None
    columns = {column.name: column for column in (_column(name, word) for word in shape.split())}
    task_defaults = _TASK_DEFAULTS if name in TASKS else {}
    blank = {**dict.fromkeys(columns, ""), **task_defaults, **_DEFAULTS.get(name, {})}
    references = tuple(column.name for column in columns.values() if column.type == "reference")
    return Table(name=name, columns=columns, blank=blank, references=references)


def must_find(name: str) -> Table:
    """The table of this name.  Raises LookupError."""
    table = find(name)
    if table is None:
        raise LookupError(f"the simulator has no table {name}")
    return table


def names() -> Iterable[str]:
    return _SHAPES


def kind(table: Table, path: str) -> str | None:
    """The type at the end of a (dot-walked) path, as encoded queries need it; None when a step does not exist."""
    head, dot, rest = path.partition(".")
    column = table.columns.get(head)
    if column is None:
        return None
    if not dot:
        return column.type
    target = find(column.reference)
    return None if target is None else kind(target, rest)


def _column(table: str, word: str) -> Column:
    name, _, reference = word.partition(">")
    kind_sign = _TYPES.get(name[-1])
    name = name if kind_sign is None else name[:-1]
    choices = _CHOICES.get(table, {}).get(name) or (_TASK_CHOICES.get(name, {}) if table in TASKS else {})
    return Column(
        name=name, type="reference" if reference else kind_sign or "string", reference=reference, choices=choices
    )
