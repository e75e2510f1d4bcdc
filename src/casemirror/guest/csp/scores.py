"""Scores as plain dicts, the way before `Common`, and the answer for an indicator that a source knows nothing of."""

from csp import results, tables
from csp.common import Common
from csp.entries import INDICATOR_TYPE_TO_CONTEXT_KEY, outputPaths
from csp.errors import DemistoException

_REPUTATIONS = {4: "Critical", 3: "Bad", 2: "Suspicious", 1: "Good", 0.5: "Informational", 0: "Unknown"}

_NOTHING_FOUND = "No results found"


def scoreToReputation(score):
    """'Bad' for 3, and so on for every score; a text comes back as it is, 'None' for anything else."""
    return score if isinstance(score, str) else _REPUTATIONS.get(score, "None")


def build_dbot_entry(indicator, indicator_type, vendor, score, description=None, build_malicious=True):
    """{"DBotScore": {Indicator, Type, Vendor, Score}}; for a score of 3 also the mark in the indicator's own context.

    indicator_type    ip, url, domain, email, cve, or the name of a hash for a file
    description       why it is bad
    build_malicious   False: without that mark
    DemistoException for a score that is none of 0, 1, 2, 3.
    """
    if not Common.DBotScore.is_valid_score(score):
        raise DemistoException(f"illegal DBot score {score!r}: it must be one of 0, 1, 2, 3")
    entry = {"DBotScore": {"Indicator": indicator, "Type": indicator_type, "Vendor": vendor, "Score": score}}
    if score == Common.DBotScore.BAD and build_malicious:
        entry.update(build_malicious_dbot_entry(indicator, indicator_type, vendor, description))
    return entry


def build_malicious_dbot_entry(indicator, indicator_type, vendor, description=None):
    """{the indicator's path: {its own key: its value, "Malicious": {Vendor, Description}}}; DemistoException for an unknown type."""
    kind = indicator_type.lower()
    key = INDICATOR_TYPE_TO_CONTEXT_KEY.get(kind)
    if key is None:
        raise DemistoException(f"wrong indicator type {indicator_type!r}")
    if key == "file":  # a file goes by the name of its hash
        path, key = outputPaths["file"], indicator_type.upper()
    else:
        path = outputPaths[kind]
    return {path: {key: indicator, "Malicious": {"Vendor": vendor, "Description": description}}}


def _scored(build):
    """The indicator made from its value and its score; `build` takes both."""
    return lambda value, score, _: build(value, score)


def _file(value, score, _):
    kind = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}.get(len(value))
    if kind is None:
        raise DemistoException(f"{value!r} is the hash of no file: it must be MD5, SHA-1, SHA-256 or SHA-512")
    return Common.File(score, **{kind: value})


_INDICATORS = {
    "ip": _scored(lambda value, score: Common.IP(ip=value, dbot_score=score)),
    "url": _scored(lambda value, score: Common.URL(url=value, dbot_score=score)),
    "domain": _scored(lambda value, score: Common.Domain(domain=value, dbot_score=score)),
    "email": _scored(lambda value, score: Common.EMAIL(address=value, dbot_score=score)),
    "account": _scored(lambda value, score: Common.Account(id=value, dbot_score=score)),
    "certificate": _scored(lambda value, score: Common.Certificate(subject_dn=value, dbot_score=score)),
    "cve": lambda value, _score, _: Common.CVE(value, "", "", "", ""),
    "cryptocurrency": lambda value, score, address_type: Common.Cryptocurrency(value, address_type, score),
    "file": _file,
}


def create_indicator_result_with_dbotscore_unknown(
    indicator, indicator_type, reliability=None, context_prefix=None, address_type=None
):
    """CommandResults of an indicator that the source knows nothing of: score 0, and readable text that says so.

    indicator_type   a DBotScoreType; with context_prefix any other name, for an indicator of one's own
    reliability      a DBotScoreReliability
    context_prefix   where an indicator of one's own goes in the context
    address_type     currency of a cryptocurrency's address
    DemistoException for a type that is neither.
    """
    kind = indicator_type.lower()
    readable = tables.tableToMarkdown(
        "Results",
        {_title(indicator_type): indicator, "Result": "Not found"},
        headers=[_title(indicator_type), "Result"],
    )
    if kind in _INDICATORS:
        named = f"{address_type}:{indicator}" if kind == "cryptocurrency" else indicator
        score = _unknown(named, kind, reliability)
        return results.CommandResults(
            readable_output=readable, indicator=_INDICATORS[kind](indicator, score, address_type)
        )
    if not context_prefix:
        raise DemistoException(f"{indicator_type!r} is no type of indicator; one of one's own needs a context_prefix")
    own = Common.CustomIndicator(
        indicator_type=indicator_type,
        value=indicator,
        dbot_score=_unknown(indicator, "custom", reliability),
        params={"Message": _NOTHING_FOUND},
        prefix_str=context_prefix,
    )
    return results.CommandResults(readable_output=readable, indicator=own)


def _unknown(indicator, kind, reliability):
    return Common.DBotScore(
        indicator=indicator,
        indicator_type=kind,
        score=Common.DBotScore.NONE,
        reliability=reliability,
        message=_NOTHING_FOUND,
    )


def _title(indicator_type):
    return indicator_type.upper() if indicator_type in ("ip", "url", "cve") else indicator_type.capitalize()
