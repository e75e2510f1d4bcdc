"""Who may log in, and with what rights.  Source: Jira docs "Managing users", "Using personal access tokens"."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class User:
    """token       personal access token; "" = none

    time_zone   of the profile: JQL takes dates in it, and answers show times in it
    writes      may create, edit, comment, attach and move issues; else only look at them
    admin       may delete issues, too
    """

    name: str
    password: str
    display_name: str = ""
    email: str = ""
    time_zone: str = "UTC"
    token: str = ""
    writes: bool = True
    admin: bool = False


DEFAULT_USERS = (
    User(name="admin", password="admin", display_name="Ada Admin", email="admin@example.com", admin=True),
    User(
        name="casemirror",
        password="casemirror",
        display_name="Case Mirror",
        email="casemirror@example.com",
        time_zone="Asia/Kolkata",
        token="casemirror-token",
    ),
    User(
        name="alice",
        password="alice",
        display_name="Alice Analyst",
        email="alice@example.com",
        time_zone="America/New_York",
    ),
    User(name="bob", password="bob", display_name="Bob Builder", email="bob@example.com", time_zone="Europe/Berlin"),
    User(name="viewer", password="viewer", display_name="Victor Viewer", email="viewer@example.com", writes=False),
)
