"""The `demisto` object: what an integration asks the server, and how it answers.

It is installed as `sys.modules["demistomock"]` and given as the global `demisto`. Integrations read state that the server sent along
with the command; only what other commands may change meanwhile (the integration context) or what must be known at once (logs,
results) goes over the channel.   Source: mirroring.md §6.
"""

import copy
import datetime
import os
import threading
import uuid

ZERO_TIME = "0001-01-01T00:00:00Z"
_LONGEST_LOG = 16384  # characters of one log message; the server cuts further, after it masked the secrets

# 6.9, not 6.10: integrations compare versions as text, and "6.10.0" < "6.6.0" there
_VERSION = {"version": "6.9.0", "buildNumber": "12345", "platform": "xsoar"}

_PLAYGROUND = {"id": "playground", "name": "Playground", "status": 0, "closed": ZERO_TIME, "lastOpen": ZERO_TIME}


class Demisto:
    """One run's `demisto` object; thread-safe, and attributes may be assigned (CommonServerPython does).

    command   {"name", "args", "params", "instance", "brand", "last_run", "last_mirror_run", "context", "context_version",
               "investigation", "incidents", "calling_context", "files": {entry id: {"id", "path", "name"}}, "debug"}
    There is no `executeCommand`: integrations test for it, and only scripts have it (MIR-198).
    """

    def __init__(self, channel, command):
        self.__channel = channel
        self.__lock = threading.RLock()
        self.__owner = os.getpid()
        self.__command = command
        self.__last_run = command.get("last_run")
        self.__last_mirror_run = command.get("last_mirror_run")
        self.__context = (command.get("context"), command.get("context_version") or 0)
        self.__assets_run = {}
        self.__script_context = {}
        self.staged = {}
        self.is_debug = bool(command.get("debug"))
        self.callingContext = _calling_context(command)

    def __do(self, cmd):
        """Send a message; for an `ask` also wait for the answer. CommonServerPython replaces this by a locked version of itself."""
        if os.getpid() != self.__owner:
            # a process that the integration forked shares the socket; two of them talking would garble it
            if cmd["say"] == "ask":
                raise RuntimeError("only the command's own process may call the server")
            return None
        with self.__lock:
            self.__channel.send(cmd)
            return self.__channel.receive() if cmd["say"] == "ask" else None

    def __ask(self, what, **details):
        answer = self._Demisto__do({"say": "ask", "what": what, **details})
        if "error" in answer:
            raise (ValueError if answer.get("kind") == "ValueError" else RuntimeError)(answer["error"])
        return answer.get("value")

    # what the command is

    def command(self):
        """Name of the command."""
        return self.__command["name"]

    def args(self):
        """The command's arguments, the same dict at each call."""
        return self.callingContext["args"]

    def getArg(self, name):
        """One argument, or None."""
        return self.args().get(name)

    def params(self):
        """The instance's parameters: whatever `callingContext["params"]` holds now."""
        return self.callingContext["params"]

    def getParam(self, name):
        """One parameter, or None."""
        return self.params().get(name)

    def integrationInstance(self):
        """Name of the instance; equals `dbotMirrorInstance` of the incidents that it mirrors."""
        return self.__command.get("instance") or ""

    def investigation(self):
        """The incident's investigation; outside an incident the playground's."""
        return {**_PLAYGROUND, **(self.__command.get("investigation") or {})}

    # answers

    def results(self, results=None):
        """Add one value to the command's results."""
        self._Demisto__do({"say": "result", "value": results})

    def incidents(self, incidents=None):
        """With a list: what was fetched. Without: the current incidents, [] outside a script."""
        if incidents is None:
            return copy.deepcopy(list(self.__command.get("incidents") or []))
        self._Demisto__do({"say": "incidents", "value": incidents})
        return None

    def get_incidents(self):
        """The current incidents; [] in fetch and mirror commands (MIR: §1.1.9)."""
        return self.incidents()

    def alerts(self, alerts=None):
        """The same under its other name."""
        return self.incidents(alerts)

    def incident(self):
        """The current incident, {} when there is none."""
        return next(iter(self.incidents()), {})

    def credentials(self, credentials):
        """What fetch-credentials found."""
        self.results({"Type": 1, "Contents": credentials, "ContentsFormat": "json"})

    # state of the instance

    def getLastRun(self):
        """The fetch state; what this run set comes back at once."""
        with self.__lock:
            return copy.deepcopy(self.__last_run) or {}

    def setLastRun(self, obj):
        """Stage the fetch state: it is stored if the command ends well."""
        with self.__lock:
            self.__last_run = self.staged["last_run"] = copy.deepcopy(obj)

    def getLastMirrorRun(self):
        """The mirror commands' state; what this run set comes back at once."""
        with self.__lock:
            return copy.deepcopy(self.__last_mirror_run) or {}

    def setLastMirrorRun(self, obj):
        """Stage the mirror commands' state; datetimes in it are stored as ISO text (mirroring.md §7, 43)."""
        with self.__lock:
            self.__last_mirror_run = self.staged["last_mirror_run"] = _with_text_times(obj)

    def getAssetsLastRun(self):
        """The assets' fetch state; kept for this run only."""
        return copy.deepcopy(self.__assets_run)

    def setAssetsLastRun(self, obj):
        """Set the assets' fetch state; kept for this run only."""
        self.__assets_run = copy.deepcopy(obj)

    def getIntegrationContext(self):
        """The instance's context as it is stored now."""
        return self.__fresh_context()[0]

    def setIntegrationContext(self, context):
        """Store the instance's context now, whatever is there."""
        self.setIntegrationContextVersioned(context)

    def getIntegrationContextVersioned(self, refresh=False):
        """{"context", "version"}: as stored now, or (refresh false) as this run last saw it."""
        context, version = self.__fresh_context() if refresh else copy.deepcopy(self.__context)
        return {"context": context or {}, "version": version}

    def setIntegrationContextVersioned(self, context, version=-1, sync=False):
        """Store the context now; ValueError when somebody stored another since `version` was read (-1: never)."""
        context = copy.deepcopy(context)
        number = self.__ask("set_context", context=context, version=-1 if version is None else version)
        self.__context = (context, number)

    def __fresh_context(self):
        answer = self.__ask("get_context")
        self.__context = (answer["context"], answer["version"])
        return copy.deepcopy(answer["context"]) or {}, answer["version"]

    # what else the server knows or does

    def findUser(self, username="", email=""):
        """The local user {"id", "username", "email", "name"}, {} when there is none (callers use `.get` unguarded)."""
        asked = {key: text for key, text in (("username", username), ("email", email)) if text}
        return (self.__ask("find_user", asked=asked) if asked else None) or {}

    def getFilePath(self, id):
        """{"id", "path", "name"} of a file entry; ValueError when there is no such file (MIR-170)."""
        known = (self.__command.get("files") or {}).get(str(id))
        return dict(known) if known else self.__ask("get_file", entry_id=str(id))

    def mapObject(self, obj, mapper, mapper_type):
        """A mapper, by id or name, run on an object (or its JSON text): a flat dict; ValueError when there is no such mapper."""
        return self.__ask("map_object", object=obj, mapper=str(mapper), type=str(mapper_type or "")) or {}

    def getPackVersion(self, pack_name=""):
        """Version of an installed pack, by id or name, or of the one that runs; "" for none. CommonServerPython asks by it."""
        return self.__ask("pack_version", name=str(pack_name or "")) or ""

    def createIncidents(self, incidents, lastRun=None, userID=None):
        """Create incidents as a fetch would and store lastRun with them; gives the created ones."""
        created = self.__ask("create_incidents", incidents=incidents, last_run=lastRun)
        if lastRun is not None:
            with self.__lock:
                self.__last_run = copy.deepcopy(lastRun)
        return created or []

    def updateModuleHealth(self, data, is_error=False):
        """Text that is shown at the instance."""
        self._Demisto__do({"say": "health", "text": _message((data,)), "is_error": bool(is_error)})

    def createIndicators(self, indicators_batch, noUpdate=False):
        """Accepted and ignored: casemirror keeps incidents, no indicators."""

    def searchIndicators(self, *args, **kwargs):
        """No indicators."""
        return {"total": 0, "iocs": []}

    def searchRelationships(self, *args, **kwargs):
        """No relationships."""
        return {"total": 0, "data": []}

    def demistoVersion(self):
        """The server that is emulated."""
        return dict(_VERSION)

    def demistoUrls(self):
        """Addresses of pages; casemirror does not tell integrations where it listens."""
        pages = ("server", "investigation", "warRoom", "workPlan", "relatedIncidents", "evidenceBoard")
        return {**dict.fromkeys(pages, ""), **(self.__command.get("calling_context") or {}).get("urls", {})}

    def getAllSupportedCommands(self):
        """No list of commands."""
        return {}

    def getModules(self):
        """No list of instances."""
        return {}

    def getLicenseID(self):
        """A harmless constant, as are the two below."""
        return ""

    def getLicenseCustomField(self, key):
        """No licence."""
        return ""

    def getAutoFocusApiKey(self):
        """No licence."""
        return ""

    def isTimeSensitive(self):
        """No command has to hurry."""
        return False

    def internalHttpRequest(self, method, uri, body=None):
        """Raises RuntimeError: there is no HTTP API yet that could answer."""
        raise _unsupported("internalHttpRequest", "casemirror has no HTTP API yet that could answer")

    def handleEntitlementForUser(self, incidentID, guid, email, response, taskID=""):
        """Raises RuntimeError: there are no playbooks whose task an answer could close."""
        raise _unsupported("handleEntitlementForUser", "casemirror runs no playbooks whose task could be answered")

    def mirrorInvestigation(self, id, mirrorType, autoClose=False):
        """Raises RuntimeError: no war room is mirrored with a chat."""
        raise _unsupported("mirrorInvestigation", "casemirror mirrors incidents, not war rooms with a chat")

    def addEntry(self, id, entry, username=None, email=None, footer=None):
        """Raises RuntimeError: only what is given to `results()` becomes an entry."""
        raise _unsupported("addEntry", "entries come by demisto.results() and by the mirror commands only")

    def directMessage(self, message, username=None, email=None, anyoneCanOpenIncidents=None):
        """Raises RuntimeError: nobody here talks with people in a chat."""
        raise _unsupported("directMessage", "casemirror has no bot that could answer in a chat")

    def _apiCall(self, name, params=None, data=None):
        """Raises RuntimeError: an API of the vendor's own servers."""
        raise _unsupported("_apiCall", "it belongs to the vendor's own services")

    def getIndexHash(self):
        """Raises RuntimeError: a secret of the vendor's own servers."""
        raise _unsupported("getIndexHash", "it belongs to the vendor's own services")

    def uniqueFile(self):
        """A new file id."""
        return str(uuid.uuid4())

    def parentEntry(self):
        """The entry that the command was started from."""
        return self.callingContext["context"].get("ParentEntry") or {}

    def context(self):
        """The incident's context as this run changed it."""
        return self.__script_context

    def setContext(self, key, value):
        """Change the incident's context for this run."""
        self.__script_context[key] = value

    # logs: any object, never an exception, never a result (MIR-201)

    def debug(self, *args):
        """Log."""
        self.__log("debug", args)

    def info(self, *args):
        """Log."""
        self.__log("info", args)

    def error(self, *args):
        """Log."""
        self.__log("error", args)

    def log(self, *args):
        """Log."""
        self.__log("info", args)

    def __log(self, level, args):
        self._Demisto__do({"say": "log", "level": level, "text": _message(args)})

    # looking into dicts

    @staticmethod
    def get(obj, field, defaultParam=None):
        """Value at a dotted path in nested dicts; the default when a step is missing."""
        for step in str(field).split("."):
            if not isinstance(obj, dict) or step not in obj:
                return defaultParam
            obj = obj[step]
        return obj

    def gets(self, obj, field):
        """The same as text."""
        return str(self.get(obj, field))

    def dt(self, obj=None, trnsfrm=None):
        """What an expression of the transform language (DT) finds in an object; None for nothing.

        ValueError when the expression cannot be evaluated.
        """
        return self.__ask("transform", object=obj, expression=str(trnsfrm or ""))


def _unsupported(name, why):
    # no NotImplementedError: for a mirror command that would mean to go another way
    return RuntimeError(f"demisto.{name}() is unsupported: {why}")


def _calling_context(command):
    given = command.get("calling_context") or {}
    context = {
        "IntegrationBrand": command.get("brand") or "",
        "IntegrationInstance": command.get("instance") or "",
        "ExecutedCommands": [],
        "ScriptName": "",
        "ParentEntry": None,
        "Incidents": None,
        **given,
    }
    return {
        "command": command["name"],
        "params": command.get("params") or {},
        "args": command.get("args") or {},
        "context": context,
        "integration": True,
        "is_running_integration": True,
    }


def _with_text_times(value):
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _with_text_times(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_times(item) for item in value]
    return copy.deepcopy(value)


def _message(parts):
    return " ".join(_shown(part) for part in parts)[:_LONGEST_LOG]


def _shown(value):
    try:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    except Exception as error:
        return f"<{type(value).__name__} without a text: {type(error).__name__}>"
