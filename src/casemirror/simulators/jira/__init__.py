"""A Jira Data Center to mirror with: REST API version 2, JQL, workflows, attachments, and faults by switch.

Written from Atlassian's documentation, for trying casemirror out and for tests; imports nothing of casemirror. What no
document promises is marked "observed" where it is decided.
"""

from .accounts import DEFAULT_USERS, User
from .faults import Faults
from .server import JiraSimulator, serve

__all__ = ["DEFAULT_USERS", "Faults", "JiraSimulator", "User", "serve"]
