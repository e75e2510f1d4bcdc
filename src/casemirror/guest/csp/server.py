"""What the integration may learn of the server and of the run it is part of."""

import re

from csp.host import demisto


def get_demisto_version():
    """{"version": "6.10.0", "buildNumber": "12345", …}; AttributeError when the server cannot tell."""
    if not hasattr(demisto, "demistoVersion"):
        raise AttributeError("this server does not tell its version")
    return demisto.demistoVersion()


def get_demisto_version_as_str():
    """'6.10.0-12345', or '' when the server cannot tell."""
    try:
        version = get_demisto_version()
    except AttributeError:
        return ""
    return f"{version.get('version')}-{version.get('buildNumber')}"


def is_demisto_version_ge(version, build_number=""):
    """Whether the server is of this version or a later one; the build number counts only between equal versions.

    Versions are compared as TEXT, so that '6.10.0' comes before '6.9.0'. That is wrong, but integrations were written and
    tested against it, and the answers of both sides of such a test must stay what their authors saw.
    A server that cannot tell its version is taken for one older than 5.0.0; AttributeError for questions about those.
    """
    try:
        server = get_demisto_version()
    except AttributeError:
        if version >= "5.0.0":
            return False
        raise
    if build_number and server.get("version") == version:
        return _is_build_ge(server.get("buildNumber"), build_number)
    return server.get("version") >= version


def is_at_least(version):
    """Whether the server is of this version or a later one, by the numbers: what our own parts ask. '6.10.0' is later than '6.9.0'."""
    try:
        return _numbers(get_demisto_version().get("version")) >= _numbers(version)
    except AttributeError:
        return False


def _numbers(version):
    return [int(part) for part in re.findall(r"\d+", str(version))]


def _is_build_ge(actual, wanted):
    try:
        return int(actual) >= int(wanted)
    except (TypeError, ValueError):
        return True  # a development build has a name instead of a number and counts as the newest


def get_calling_context():
    """The server's notes about the run: IntegrationBrand, IntegrationInstance and others; {} when there are none."""
    return (getattr(demisto, "callingContext", None) or {}).get("context") or {}


def get_integration_name():
    """Brand of the running integration; '' when the server does not tell."""
    return get_calling_context().get("IntegrationBrand") or ""


def get_integration_instance_name():
    """Name of the running instance; '' when the server does not tell."""
    return get_calling_context().get("IntegrationInstance") or ""


def timeline_category():
    """What a change of an indicator is put down to when its author does not say: the integration or the script that runs."""
    is_integration = (getattr(demisto, "callingContext", None) or {}).get("integration", True)
    return "Integration Update" if is_integration else "Automation Update"


def get_schedule_metadata(context):
    """Facts about a scheduled repetition out of the calling context, without the empty ones."""
    parent = context.get("ParentEntry") or {}
    facts = {
        "is_polling": bool(parent.get("polling", False)),
        "polling_command": parent.get("pollingCommand"),
        "polling_args": parent.get("pollingArgs"),
        "times_ran": int(parent.get("timesRan", 0)) + 1,
        "start_date": parent.get("startDate"),
        "end_date": parent.get("endingDate"),
    }
    return {name: value for name, value in facts.items() if value is not None} if parent else {}
