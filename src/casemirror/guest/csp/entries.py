"""Numbers and names that the server's contract fixes: entries, incidents, scores, context paths. Data only."""


class EntryType:
    """Numbers of the kinds of war-room entries."""

    NOTE = 1
    DOWNLOAD_AGENT = 2
    FILE = 3
    ERROR = 4
    PINNED = 5
    USER_MANAGEMENT = 6
    IMAGE = 7
    PLAYGROUND_ERROR = 8
    ENTRY_INFO_FILE = 9
    WARNING = 11
    MAP_ENTRY_TYPE = 15
    WIDGET = 17


class EntryFormat:
    """Names of the forms that an entry's contents may have."""

    HTML = "html"
    TABLE = "table"
    JSON = "json"
    TEXT = "text"
    DBOT_RESPONSE = "dbotCommandResponse"
    MARKDOWN = "markdown"

    @classmethod
    def is_valid_type(cls, _type):
        """Whether the name is one of the forms above."""
        return _type in (cls.HTML, cls.TABLE, cls.JSON, cls.TEXT, cls.DBOT_RESPONSE, cls.MARKDOWN)


class IncidentStatus:
    """Numbers of the states of an incident."""

    PENDING = 0
    ACTIVE = 1
    DONE = 2
    ARCHIVE = 3


class IncidentSeverity:
    """Numbers of the severities of an incident."""

    UNKNOWN = 0
    INFO = 0.5
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


# The older spelling of EntryType and EntryFormat, still what most integrations use.
entryTypes = {
    "note": EntryType.NOTE,
    "downloadAgent": EntryType.DOWNLOAD_AGENT,
    "file": EntryType.FILE,
    "error": EntryType.ERROR,
    "pinned": EntryType.PINNED,
    "userManagement": EntryType.USER_MANAGEMENT,
    "image": EntryType.IMAGE,
    "playgroundError": EntryType.PLAYGROUND_ERROR,
    "entryInfoFile": EntryType.ENTRY_INFO_FILE,
    "warning": EntryType.WARNING,
    "map": EntryType.MAP_ENTRY_TYPE,
    "widget": EntryType.WIDGET,
}
formats = {
    "html": EntryFormat.HTML,
    "table": EntryFormat.TABLE,
    "json": EntryFormat.JSON,
    "text": EntryFormat.TEXT,
    "dbotResponse": EntryFormat.DBOT_RESPONSE,
    "markdown": EntryFormat.MARKDOWN,
}


def _path(name, *keys, operator="||"):
    """`name(val.K && val.K == obj.K || …)`: where an object goes in the context and which one there it replaces."""
    conditions = f" {operator} ".join(f"val.{key} && val.{key} == obj.{key}" for key in keys)
    return f"{name}({conditions})"


FILE_HASHES = ("MD5", "SHA1", "SHA256", "SHA512", "CRC32", "CTPH", "SSDeep")

outputPaths = {
    "file": _path("File", *FILE_HASHES),
    "ip": _path("IP", "Address"),
    "url": _path("URL", "Data"),
    "domain": _path("Domain", "Name"),
    "cve": _path("CVE", "ID"),
    "email": _path("Account.Email", "Address"),
    "dbotscore": "DBotScore",
}

INDICATOR_TYPE_TO_CONTEXT_KEY = {
    "ip": "Address",
    "email": "Address",
    "url": "Data",
    "domain": "Name",
    "cve": "ID",
    "md5": "file",
    "sha1": "file",
    "sha256": "file",
    "crc32": "file",
    "sha512": "file",
    "ctph": "file",
    "ssdeep": "file",
}
