"""The `demisto` object for an author's own tests: `import demistomock as demisto`, and patch what the test is about.

Each function gives a harmless default and asks nobody; what is set is kept in this module. No command ever gets this: a child has the
true object (`demisto.Demisto`) under this name.
"""

import uuid

from demisto import Demisto as _Demisto

callingContext = {}
integrationContext = {}
is_debug = False

_version = {"version": "6.9.0", "buildNumber": "12345", "platform": "xsoar"}  # the child's
_state = {"last_run": {"lastRun": "2018-10-24T14:13:20+00:00"}, "last_mirror_run": {}, "assets_run": {}, "version": 0}
_context = {}


# what the command is


def command():
    """No command."""
    return ""


def args():
    """No arguments."""
    return {}


def params():
    """No parameters."""
    return {}


def getArg(name):
    """One argument, or None."""
    return args().get(name)


def getParam(name):
    """One parameter, or None."""
    return params().get(name)


def integrationInstance():
    """No name."""
    return ""


def investigation():
    """An investigation that fileResult can work with."""
    return {"id": "1"}


def incident():
    """An incident without fields."""
    return {}


def incidents(incidents=None):
    """With a list: nothing. Without: the incident in a list, as scripts want it."""
    return [incident()] if incidents is None else None


def alerts(alerts=None):
    """The same under its other name."""
    return incidents(alerts)


def get_incidents():
    """No incidents; a dict, which is what tests of integrations expect of it."""
    return {}


def parentEntry():
    """No entry."""
    return {}


# answers and logs


def results(results=None):
    """Nothing: a test that wants to see results patches this."""


def credentials(credentials):
    """Nothing."""


def debug(*args):
    """Nothing."""


def info(*args):
    """Nothing."""


def log(*args):
    """Nothing."""


def error(*args):
    """Printed, so that a test whose code logs an error that it did not expect shows it."""
    print(*args)


# state


def getLastRun():
    """What was set; at first a fetch of long ago, {"lastRun": "2018-10-24T14:13:20+00:00"}."""
    return _state["last_run"]


def setLastRun(obj):
    """Keep the fetch state."""
    _state["last_run"] = obj


def getLastMirrorRun():
    """What was set, {} at first."""
    return _state["last_mirror_run"]


def setLastMirrorRun(obj):
    """Keep the mirror commands' state."""
    _state["last_mirror_run"] = obj


def getAssetsLastRun():
    """What was set, {} at first."""
    return _state["assets_run"]


def setAssetsLastRun(obj):
    """Keep the assets' fetch state."""
    _state["assets_run"] = obj


def getIntegrationContext():
    """What was set, {} at first."""
    return integrationContext


def setIntegrationContext(context):
    """Keep the instance's context."""
    setIntegrationContextVersioned(context)


def getIntegrationContextVersioned(refresh=False):
    """{"context", "version"}; the version counts how often it was set."""
    return {"context": integrationContext, "version": _state["version"]}


def setIntegrationContextVersioned(context, version=-1, sync=False):
    """Keep the instance's context; ValueError when it was set since `version` was read (-1: never)."""
    global integrationContext
    if version not in (-1, None, _state["version"]):
        raise ValueError(f"the integration context has version {_state['version']}, not {version}")
    integrationContext = context
    _state["version"] += 1


def context():
    """The incident's context: what was set, {} at first."""
    return _context


def setContext(key, value):
    """Keep a value of the incident's context."""
    _context[key] = value


# what the server knows or does


def executeCommand(command, args):
    """No entries. Integrations have no such function in a command of their own."""
    return []


def createIncidents(incidents, lastRun=None, userID=None):
    """Nothing is created."""
    return []


def createIndicators(indicators_batch, noUpdate=False):
    """Nothing."""


def searchIndicators(*args, **kwargs):
    """No indicators."""
    return {"total": 0, "iocs": []}


def searchRelationships(*args, **kwargs):
    """No relationships."""
    return {"total": 0, "data": []}


def findUser(username="", email=""):
    """No user."""
    return {}


def getFilePath(id):
    """A file that is called like the entry, in the working directory."""
    return {"id": id, "path": str(id), "name": str(id)}


def mapObject(obj, mapper, mapper_type):
    """No fields."""
    return {}


def dt(obj=None, trnsfrm=None):
    """Nothing is found."""


def getPackVersion(pack_name=""):
    """No pack."""
    return ""


def updateModuleHealth(data, is_error=False):
    """Nothing."""


def uniqueFile():
    """A new file id."""
    return str(uuid.uuid4())


def demistoVersion():
    """The server that casemirror emulates."""
    return dict(_version)


def demistoUrls():
    """Addresses of pages of a server that is not there."""
    pages = ("investigation", "warRoom", "workPlan", "relatedIncidents", "evidenceBoard")
    return {"server": "https://server.example", **{page: f"https://server.example/#/{page}/1" for page in pages}}


def getAllSupportedCommands():
    """No list of commands."""
    return {}


def getModules():
    """No list of instances."""
    return {}


def getLicenseID():
    """No licence, as in the two below."""
    return ""


def getLicenseCustomField(key):
    """No licence."""
    return ""


def getAutoFocusApiKey():
    """No licence."""
    return ""


def getIndexHash():
    """No index."""
    return ""


def isTimeSensitive():
    """No command has to hurry."""
    return False


def internalHttpRequest(method, uri, body=None):
    """No answer."""
    return {}


def _apiCall(name, params=None, data=None):
    """No answer."""
    return {}


def handleEntitlementForUser(incidentID, guid, email, response, taskID=""):
    """Nothing."""


def mirrorInvestigation(id, mirrorType, autoClose=False):
    """Nothing."""


def addEntry(id, entry, username=None, email=None, footer=None):
    """Nothing."""


def directMessage(message, username=None, email=None, anyoneCanOpenIncidents=None):
    """No answer."""
    return ""


# looking into dicts


def get(obj, field, defaultParam=None):
    """Value at a dotted path in nested dicts; the default when a step is missing."""
    return _Demisto.get(obj, field, defaultParam)


def gets(obj, field):
    """The same as text."""
    return str(get(obj, field))
