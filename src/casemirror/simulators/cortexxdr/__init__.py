"""A Cortex XDR tenant to mirror with: incidents with their alerts, both kinds of API key, the documented limit, faults by switch.

Written from the vendor's documentation, for trying casemirror out and for tests; imports nothing of casemirror.
What the documents leave open is a switch in `faults.Faults` or is marked "undocumented" where it is decided.
Sources: "Cortex XDR REST API" (Get all Incidents, Get Extra Incident Data, Update an Incident, Get Started with APIs).
"""

from casemirror.simulators.common.faults import RateLimit

from .accounts import DEFAULT_KEYS, DEFAULT_USERS, Key
from .faults import Faults
from .server import CortexXdrSimulator, serve

__all__ = ["DEFAULT_KEYS", "DEFAULT_USERS", "CortexXdrSimulator", "Faults", "Key", "RateLimit", "serve"]
