"""A ServiceNow instance to mirror with: Table API, journal, Attachment API, OAuth, and faults by switch.

Written from the vendor's documentation, for trying casemirror out, for the demo and for tests; imports nothing of casemirror.
What the documents leave open is a switch in `faults.Faults` or is marked "observed" where it is decided.
"""

from casemirror.simulators.common.faults import RateLimit

from .accounts import DEFAULT_USERS, User
from .faults import Faults
from .server import DEFAULT_CLIENTS, ServiceNowSimulator, serve

__all__ = ["DEFAULT_CLIENTS", "DEFAULT_USERS", "Faults", "RateLimit", "ServiceNowSimulator", "User", "serve"]
