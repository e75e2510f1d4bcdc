"""Numbers and names that the contract fixes, and what a star import brings of the standard library."""

import re
import sys

import CommonServerPython as csp
import pytest

VALUES = [
    (csp.EntryType.NOTE, 1),
    (csp.EntryType.FILE, 3),
    (csp.EntryType.ERROR, 4),
    (csp.EntryType.ENTRY_INFO_FILE, 9),
    (
        csp.entryTypes,
        {**csp.entryTypes, "note": 1, "file": 3, "error": 4, "image": 7, "entryInfoFile": 9, "warning": 11},
    ),
    (csp.EntryFormat.JSON, "json"),
    (csp.EntryFormat.TEXT, "text"),
    (csp.EntryFormat.MARKDOWN, "markdown"),
    (csp.formats, {**csp.formats, "json": "json", "text": "text", "table": "table", "html": "html"}),
    (csp.IncidentStatus.DONE, 2),
    (csp.IncidentSeverity.UNKNOWN, 0),
    (csp.IncidentSeverity.INFO, 0.5),
    (csp.IncidentSeverity.LOW, 1),
    (csp.IncidentSeverity.MEDIUM, 2),
    (csp.IncidentSeverity.HIGH, 3),
    (csp.IncidentSeverity.CRITICAL, 4),
    (csp.DBotScoreType.IP, "ip"),
    (csp.DBotScoreType.DOMAIN, "domain"),
    (csp.DBotScoreType.CERTIFICATE, "certificate"),
    (csp.DBotScoreType.CIDR, "cidr"),
    (csp.DBotScoreType.DOMAINGLOB, "domainglob"),
    (csp.DBotScoreType.FILE, "file"),
    (csp.DBotScoreType.URL, "url"),
    (csp.DBotScoreType.EMAIL, "email"),
    (csp.DBotScoreReliability.A, "A - Completely reliable"),
    (csp.DBotScoreReliability.B, "B - Usually reliable"),
    (csp.DBotScoreReliability.C, "C - Fairly reliable"),
    (csp.DBotScoreReliability.is_valid_type("B"), False),
    (csp.FeedIndicatorType.IP, "IP"),
    (csp.FeedIndicatorType.Domain, "Domain"),
    (csp.FeedIndicatorType.URL, "URL"),
    (csp.FeedIndicatorType.File, "File"),
    (csp.FeedIndicatorType.CIDR, "CIDR"),
    (csp.FeedIndicatorType.IPv6, "IPv6"),
    (csp.FeedIndicatorType.IPv6CIDR, "IPv6CIDR"),
    (csp.FeedIndicatorType.Email, "Email"),
    (csp.FeedIndicatorType.DomainGlob, "DomainGlob"),
    (csp.FeedIndicatorType.CVE, "CVE"),
    (csp.FeedIndicatorType.Registry, "Registry Key"),
    (csp.FeedIndicatorType.Account, "Account"),
    (csp.ThreatIntel.ObjectsNames.ATTACK_PATTERN, "Attack Pattern"),
    (csp.ThreatIntel.ObjectsNames.THREAT_ACTOR, "Threat Actor"),
    (csp.ThreatIntel.ObjectsScore.MALWARE, 3),
    (csp.ThreatIntel.ObjectsScore.COURSE_OF_ACTION, 0),
    (csp.ThreatIntel.KillChainPhases.COMMAND_AND_CONTROL, "Command & Control"),
    (csp.INDICATOR_TYPE_TO_CONTEXT_KEY, {**csp.INDICATOR_TYPE_TO_CONTEXT_KEY, "ip": "Address", "sha256": "file"}),
    (csp.CONTEXT_UPDATE_RETRY_TIMES, 3),
    (csp.IS_PY3, True),
    (csp.PY_VER_MINOR, sys.version_info.minor),
    (csp.STRING_TYPES, (str, bytes)),
    (csp.regexFlags, re.M),
]


@pytest.mark.parametrize(("found", "value"), VALUES)
def test_constant(found, value):
    """csp-surface."""
    assert found == value


def test_every_object_of_threat_intelligence_has_a_score():
    """Feeds look the score up by the name."""
    names, scores = csp.ThreatIntel.ObjectsNames, csp.ThreatIntel.ObjectsScore
    known = [name for name in vars(names) if name.isupper()]
    assert known
    assert all(getattr(scores, name) in (0, 1, 2, 3) for name in known)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("10.0.0.1", "IP"), ("10.0.0.0/8", "CIDR"), ("::1", "IPv6"), ("2001:db8::/32", "IPv6CIDR"), ("x.org", None)],
)
def test_address_to_indicator_type(value, kind):
    assert csp.FeedIndicatorType.ip_to_indicator_type(value) == kind


# an integration that imports nothing itself and uses all that the star import brings beside our own names
USES_ALL = """
from CommonServerPython import *

def told() -> Dict[str, Any]:
    known: List[Optional[Union[str, int]]] = [1, "a"]
    unique: Set[int] = {1}
    return OrderedDict(
        date=datetime(2024, 1, 31, tzinfo=timezone.utc) + timedelta(days=1),
        parsed=dateparser.parse("2024-01-31"),
        text=json.dumps(known),
        found=re.findall("[0-9]", "a1"),
        code=base64.b64encode(b"x").decode(),
        root=ET.fromstring("<a><b/></a>").tag,
        base=os.path.basename("/x/y"),
        minor=sys.version_info.minor,
        level=logging.INFO,
        family=socket.AF_INET.name,
        category=warnings.showwarning.__name__,
        stack=traceback.format_stack()[-1:],
        version=requests.__version__,
        host=demisto.command(),
        seconds=time.gmtime(0).tm_year,
        unique=unique,
    )
"""
PASSED_ON = (
    "datetime json requests dateparser demisto List traceback Any Optional time Union re os Dict sys timedelta Set ET base64 "
    "logging timezone socket OrderedDict warnings"
)


def test_integration_may_use_what_the_star_import_passes_on():
    """csp-surface: 24 names; none has to be imported."""
    namespace = {"__name__": "integration"}
    exec(USES_ALL, namespace)
    told = namespace["told"]()
    assert all(re.search(rf"\b{name}\b", USES_ALL) for name in PASSED_ON.split())
    assert (told["date"].isoformat(), told["parsed"].day) == ("2024-02-01T00:00:00+00:00", 31)
    assert (told["text"], told["found"], told["code"], told["root"]) == ('[1, "a"]', ["1"], "eA==", "a")
    assert (told["base"], told["family"], told["seconds"], told["host"]) == ("y", "AF_INET", 1970, "some-command")
