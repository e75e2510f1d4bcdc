"""Who may log in, and what their roles let them see and change.

A cut of the base system's access control: enough for a user that may not write and for tickets that a user may not see.
Source: ServiceNow docs "Access control list rules", "Base system roles", "Snc_read_only role", "Security Incident Response roles".
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from . import tables

Row = Mapping[str, str]

_OPEN_TABLES = frozenset({"sys_user", "sys_user_group", "sys_db_object", "sys_dictionary", "sys_choice"})
_WRITABLE = frozenset({*tables.TASKS, "sys_user", "sys_user_group"})
_RELATED = {"sys_journal_field": "element_id", "sys_attachment": "table_sys_id"}


@dataclass(frozen=True, kw_only=True)
class User:
    """roles   admin: everything; itil: tickets; sn_si.analyst: security incidents; snc_read_only: no writing;

    none: only the tickets that the user opened or is the caller of, and never their work notes
    time_zone    of the user's display values
    """

    user_name: str
    password: str
    roles: tuple[str, ...] = ()
    name: str = ""
    email: str = ""
    time_zone: str = "UTC"

    @property
    def sys_id(self) -> str:
        return hashlib.md5(self.user_name.encode(), usedforsecurity=False).hexdigest()

    def has(self, *roles: str) -> bool:
        """Whether the user has one of these roles; an administrator has every one except snc_read_only."""
        return any(role in self.roles for role in roles) or ("admin" in self.roles and "snc_read_only" not in roles)


DEFAULT_USERS = (
    User(user_name="admin", password="admin", roles=("admin",), name="System Administrator", email="admin@example.com"),
    User(
        user_name="casemirror", password="casemirror", roles=("itil", "sn_si.analyst"), name="Case Mirror", email="casemirror@example.com"
    ),
    User(
        user_name="alice", password="alice", roles=("itil", "sn_si.analyst"), name="Alice Analyst", email="alice@example.com",
        time_zone="America/New_York",
    ),
    User(user_name="viewer", password="viewer", roles=("itil", "snc_read_only"), name="Victor Viewer", email="viewer@example.com"),
    User(user_name="employee", password="employee", name="Erin Employee", email="employee@example.com"),
)  # fmt: skip


def may_read(user: User, table: str, row: Row, ticket: Row | None) -> bool:
    """ticket   what a journal entry or an attachment belongs to (None = gone); ignored for other tables"""
    if user.has("admin") or table in _OPEN_TABLES:
        return True
    if table in _RELATED:
        if row.get("element") == "work_notes" and not user.has("itil", "sn_si.analyst"):
            return False
        return ticket is not None and may_read(user, ticket["sys_class_name"], ticket, None)
    return _works_with(user, table) or user.sys_id in (row["opened_by"], row.get("caller_id"))


def may_write(user: User, table: str, row: Row) -> bool:
    """Whether the user may change this row, which it can already see."""
    if user.has("snc_read_only") or table not in _WRITABLE:
        return False
    return user.has("admin") or (table in tables.TASKS and may_read(user, table, row, None))


def may_create(user: User, table: str) -> bool:
    if user.has("snc_read_only") or table not in _WRITABLE:
        return False
    return user.has("admin") or _works_with(user, table) or table == "incident"


def may_delete(user: User) -> bool:
    """Base system: only administrators delete."""
    return user.has("admin") and not user.has("snc_read_only")


def _works_with(user: User, table: str) -> bool:
    if table == "sn_si_incident":
        return user.has("sn_si.analyst")
    return table in tables.TASKS and user.has("itil")
