"""Scores as plain dicts, and the answer for an unknown indicator."""

import CommonServerPython as csp
import pytest


@pytest.mark.parametrize(
    ("score", "reputation"),
    [
        (4, "Critical"),
        (3, "Bad"),
        (2, "Suspicious"),
        (1, "Good"),
        (0.5, "Informational"),
        (0, "Unknown"),
        ("Bad", "Bad"),
        (9, "None"),
    ],
)
def test_score_in_words(score, reputation):
    assert csp.scoreToReputation(score) == reputation


def test_score_entry():
    """Without a mark unless it is bad."""
    score = {"Indicator": "x.org", "Type": "domain", "Vendor": "V", "Score": 2}
    assert csp.build_dbot_entry("x.org", "domain", "V", 2) == {"DBotScore": score}
    assert csp.build_dbot_entry("x.org", "domain", "V", 3, build_malicious=False) == {
        "DBotScore": {**score, "Score": 3}
    }
    assert csp.build_dbot_entry("x.org", "domain", "V", 3, "scam") == {
        "DBotScore": {**score, "Score": 3},
        csp.outputPaths["domain"]: {"Name": "x.org", "Malicious": {"Vendor": "V", "Description": "scam"}},
    }


@pytest.mark.parametrize(
    ("indicator", "kind", "path", "key"),
    [("1.1.1.1", "ip", "ip", "Address"), ("http://x", "URL", "url", "Data"), ("a" * 32, "md5", "file", "MD5")],
)
def test_mark_of_a_bad_indicator(indicator, kind, path, key):
    """A file goes by the name of its hash."""
    mark = csp.build_malicious_dbot_entry(indicator, kind, "V", "d")
    assert mark == {csp.outputPaths[path]: {key: indicator, "Malicious": {"Vendor": "V", "Description": "d"}}}


@pytest.mark.parametrize(("kind", "score"), [("domain", 4), ("planet", 3)])
def test_wrong_score_or_type_is_refused(kind, score):
    with pytest.raises(csp.DemistoException, match="4|planet"):
        csp.build_dbot_entry("x", kind, "V", score)


@pytest.mark.parametrize(
    ("indicator", "kind", "path", "fields"),
    [
        ("1.1.1.1", "ip", "IP(", {"Address": "1.1.1.1"}),
        ("http://x", "url", "URL(", {"Data": "http://x"}),
        ("x.org", "domain", "Domain(", {"Name": "x.org"}),
        ("a@x.org", "email", "Account.Email(", {"Address": "a@x.org"}),
        ("bob", "account", "Account(", {"ID": "bob"}),
        ("CN=x", "certificate", "Certificate(", {"SubjectDN": "CN=x", "Name": "CN=x"}),
        ("b" * 64, "file", "File(", {"SHA256": "b" * 64}),
        ("CVE-2021-1", "cve", "CVE(", {"ID": "CVE-2021-1"}),
    ],
)
def test_unknown_indicator(indicator, kind, path, fields):
    """Score 0 with a message, and a text that says that nothing was found."""
    answer = csp.create_indicator_result_with_dbotscore_unknown(indicator, kind, reliability=csp.DBotScoreReliability.B)
    context = answer.to_context()["EntryContext"]
    (found,) = next(value for key, value in context.items() if key.startswith(path))
    (score,) = next(value for key, value in context.items() if key.startswith("DBotScore"))
    assert found == fields
    assert (score["Indicator"], score["Score"], score["Type"]) == (indicator, 0, kind)
    assert kind == "cve" or (score["Message"], score["Reliability"]) == ("No results found", "B - Usually reliable")
    assert "Not found" in answer.readable_output
    assert indicator in answer.readable_output


def test_unknown_address_of_a_currency():
    """The currency goes before the address in the score."""
    answer = csp.create_indicator_result_with_dbotscore_unknown("1abc", "cryptocurrency", address_type="bitcoin")
    context = answer.to_context()["EntryContext"]
    assert context["Cryptocurrency(val.Address && val.Address == obj.Address)"] == [
        {"Address": "1abc", "AddressType": "bitcoin"}
    ]
    assert [score["Indicator"] for key, [score] in context.items() if key.startswith("DBotScore")] == ["bitcoin:1abc"]


def test_unknown_indicator_of_ones_own():
    """It needs a place in the context."""
    answer = csp.create_indicator_result_with_dbotscore_unknown("v", "Planet", context_prefix="Sky.Planet")
    context = answer.to_context()["EntryContext"]
    assert context["Sky.Planet(val.value && val.value == obj.value)"] == [{"value": "v", "Message": "No results found"}]
    with pytest.raises(csp.DemistoException, match="Planet"):
        csp.create_indicator_result_with_dbotscore_unknown("v", "Planet")
    with pytest.raises(csp.DemistoException, match="hash"):
        csp.create_indicator_result_with_dbotscore_unknown("v", "file")


def test_custom_indicator_checks_what_it_is_given():
    """A value, a place, a true score."""
    with pytest.raises(ValueError, match="value"):
        csp.Common.CustomIndicator("Planet", "", None, {}, "Sky")
    with pytest.raises(TypeError, match="DBotScore"):
        csp.Common.CustomIndicator("Planet", "v", 3, {}, "Sky")
    assert csp.Common.CustomIndicator("Planet", "v", None, None, "Sky").to_context() == {
        "Sky(val.value && val.value == obj.value)": {"value": "v"}
    }
