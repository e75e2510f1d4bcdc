"""What only the vendor's own server and services have, and what is left of it here."""

import json

from csp import server
from csp.errors import DemistoException
from csp.host import demisto

# what the vendor's build puts the release and the branch of its packs into
CONTENT_RELEASE_VERSION = "0.0.0"
CONTENT_BRANCH_NAME = "master"

MIN_VERSION_FOR_KEYS = "6.2.0"


class AutoFocusKeyRetriever:
    """The key of the threat-intelligence service AutoFocus.

    api_key                        the instance's parameter
    override_default_credentials   True: that key, False: the server's, when it has one
    key                            the key; DemistoException when there is none
    """

    def __init__(self, api_key, override_default_credentials=False):
        key = "" if override_default_credentials else _key_of_the_server()
        if not (key or api_key):
            raise DemistoException("this server has no AutoFocus key of its own: set the API key of the instance")
        self.key = key or api_key


def _key_of_the_server():
    return demisto.getAutoFocusApiKey() if server.is_at_least(MIN_VERSION_FOR_KEYS) else ""


def get_x_content_info_headers():
    """Headers that tell the vendor's services who asks: X-Content-Version, -Name, -LicenseID, -Branch, -Server-Version."""
    name = server.get_integration_name() or server.get_integration_instance_name()
    return {
        "X-Content-Version": CONTENT_RELEASE_VERSION,
        "X-Content-Name": name or "Name not found",
        "X-Content-LicenseID": demisto.getLicenseID(),
        "X-Content-Branch": CONTENT_BRANCH_NAME,
        "X-Content-Server-Version": server.get_demisto_version_as_str(),
    }


def get_pack_version(pack_name=""):
    """Version of the named pack, or of the pack that runs; '' when it is not installed or the server does not tell."""
    ask = getattr(demisto, "getPackVersion", None)
    return ask(pack_name) if ask else ""


def send_events_to_xsiam(
    events, vendor, product, data_format=None, url_key="url", num_of_attempts=3, chunk_size=4 * 1024 * 1024
):
    """Report how many events were fetched. DemistoException when there are any, because only Cortex XSIAM can take them.

    events         a list of dicts or of texts, or one text with an event on each line
    vendor, product, data_format ('cef', 'leef'), url_key, num_of_attempts, chunk_size (bytes): how they would be sent
    """
    lines = _event_lines(events)
    if lines:
        raise DemistoException(
            f"{len(lines)} events of {vendor} {product} cannot be sent: casemirror keeps incidents, "
            f"and only Cortex XSIAM takes events. Clear the instance's 'Fetch events' box."
        )
    demisto.updateModuleHealth({"eventsPulled": 0})


def _event_lines(events):
    if not events:
        return []
    if isinstance(events, str):
        return events.splitlines()
    if not isinstance(events, list) or not all(isinstance(event, dict | str) for event in events):
        raise DemistoException(f"events must be a text, or a list of dicts or texts, not {type(events)}")
    return [event if isinstance(event, str) else json.dumps(event, default=str) for event in events]
