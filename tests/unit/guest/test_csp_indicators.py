"""Indicators, their types and scores; patterns; lines of glued scripts; polling."""

import re

import CommonServerPython as csp
import pytest

Common = csp.Common
SCORE_PATH = (
    "DBotScore(val.Indicator && val.Indicator == obj.Indicator && val.Vendor == obj.Vendor && val.Type == obj.Type)"
)


def _score(value, kind, score=0, **more):
    return Common.DBotScore(indicator=value, indicator_type=kind, integration_name="V", score=score, **more)


def test_score():
    """What is not given is left out."""
    assert _score("1.2.3.4", "ip", 1).to_context() == {
        SCORE_PATH: {"Indicator": "1.2.3.4", "Type": "ip", "Vendor": "V", "Score": 1}
    }
    full = _score("x.y", "domain", 2, reliability="B - Usually reliable", message="m").to_context()[SCORE_PATH]
    assert (full["Reliability"], full["Message"]) == ("B - Usually reliable", "m")


def test_vendor_is_the_running_integration(host):
    """When the server gives its name."""
    host.callingContext["context"]["IntegrationBrand"] = "Brand"
    assert _score("x", "ip").to_context()[SCORE_PATH]["Vendor"] == "Brand"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"indicator": "x", "indicator_type": "address"}, TypeError),
        ({"indicator": "x", "indicator_type": "ip", "score": 4}, TypeError),
        ({"indicator": "x", "indicator_type": "ip", "reliability": "good"}, TypeError),
        ({"indicator": "", "indicator_type": "ip"}, ValueError),
    ],
)
def test_score_refuses(given, kind):
    """Values outside of the lists."""
    with pytest.raises(kind):
        Common.DBotScore(**given)


@pytest.mark.parametrize(
    ("indicator", "path", "fields"),
    [
        (
            Common.IP(
                "1.2.3.4", _score("1.2.3.4", "ip"), asn="AS1", geo_country="NL", geo_latitude="1", geo_longitude="2"
            ),
            "IP(val.Address && val.Address == obj.Address)",
            {"Address": "1.2.3.4", "ASN": "AS1", "Geo": {"Country": "NL", "Location": "1:2"}},
        ),
        (
            Common.IP(ip="1.2.3.4", dbot_score=_score("1.2.3.4", "ip", 3, malicious_description="scans"), hostname="h"),
            "IP(val.Address && val.Address == obj.Address)",
            {"Address": "1.2.3.4", "Hostname": "h", "Malicious": {"Vendor": "V", "Description": "scans"}},
        ),
        (
            Common.URL("http://x", _score("http://x", "url"), positive_detections=0, tags=[]),
            "URL(val.Data && val.Data == obj.Data)",
            {"Data": "http://x", "PositiveDetections": 0},
        ),
        (
            Common.Domain(domain="x.y", dbot_score=_score("x.y", "domain"), registrar_name="R", creation_date="2020"),
            "Domain(val.Name && val.Name == obj.Name)",
            {
                "Name": "x.y",
                "Registrar": {"Name": "R"},
                "CreationDate": "2020",
                "WHOIS": {"Registrar": {"Name": "R"}, "CreationDate": "2020"},
            },
        ),
        (
            Common.File(
                _score("a" * 32, "file"),
                md5="a" * 32,
                signature=Common.FileSignature(copyright="c"),
                feed_related_indicators=[Common.FeedRelatedIndicators("v", "URL")],
            ),
            csp.outputPaths["file"],
            {
                "MD5": "a" * 32,
                "Signature": {"Copyright": "c"},
                "FeedRelatedIndicators": [{"value": "v", "type": "URL"}],
            },
        ),
        (
            Common.CVE("CVE-2021-1", "9.8", "p", "m", "d"),
            "CVE(val.ID && val.ID == obj.ID)",
            {"ID": "CVE-2021-1", "CVSS": "9.8", "Published": "p", "Modified": "m", "Description": "d"},
        ),
        (
            Common.Endpoint(id="1", hostname="h", ip_address="1.2.3.4", is_isolated="No", vendor="X"),
            "Endpoint(val.ID && val.ID == obj.ID && val.Vendor == obj.Vendor)",
            {"ID": "1", "Hostname": "h", "IPAddress": "1.2.3.4", "IsIsolated": "No", "Vendor": "X"},
        ),
        (Common.Account("7", username="bob"), "Account(val.ID && val.ID == obj.ID)", {"ID": "7", "Username": "bob"}),
        (
            Common.EMAIL("a@b.c", _score("a@b.c", "email"), domain="b.c"),
            "Account.Email(val.Address && val.Address == obj.Address)",
            {"Address": "a@b.c", "Domain": "b.c"},
        ),
    ],
)
def test_indicator(indicator, path, fields):
    """Its fields at its path; 0 is a value, [] is none."""
    assert indicator.to_context()[path] == fields


def test_certificate():
    """Named by its first alternative name; with key and score."""
    key = Common.CertificatePublicKey(algorithm="RSA", length=2048, modulus="00", exponent=65537)
    certificate = Common.Certificate(
        subject_dn="CN=x",
        dbot_score=_score("f" * 64, "certificate"),
        sha256="f" * 64,
        subject_alternative_name=["x.y", {"Type": "dNSName", "Value": "z"}],
        publickey=key,
        signature_algorithm="sha256",
    )
    context = certificate.to_context()
    (path,) = [path for path in context if path.startswith("Certificate(")]
    assert "val.SHA256 && val.SHA256 == obj.SHA256" in path
    assert context[path] == {
        "SubjectDN": "CN=x",
        "Name": "x.y",
        "SHA256": "f" * 64,
        "PublicKey": {"Algorithm": "RSA", "Length": 2048, "Modulus": "00", "Exponent": 65537},
        "Signature": {"Algorithm": "sha256"},
        "SubjectAlternativeName": [{"Value": "x.y"}, {"Type": "dNSName", "Value": "z"}],
    }
    assert SCORE_PATH in context
    with pytest.raises(TypeError):
        Common.CertificatePublicKey("ROT13", 13)


def test_every_indicator_is_an_indicator():
    """Authors check by the common class, and may derive from it."""

    class Own(csp.Common.Indicator):
        pass

    assert issubclass(Common.IP, csp.Common.Indicator)
    assert issubclass(Common.FeedRelatedIndicators, csp.Common.Indicator)
    with pytest.raises(NotImplementedError, match="Own"):
        Own().to_context()


def test_unknown_argument_is_refused():
    """As for any function."""
    with pytest.raises(TypeError):
        Common.IP("1.2.3.4", None, colour="red")
    with pytest.raises(TypeError):
        Common.IP("1.2.3.4")


def test_indicators_in_an_answer_share_their_paths():
    """One list for each path."""
    both = [Common.IP(ip, _score(ip, "ip")) for ip in ("1.1.1.1", "2.2.2.2")]
    context = csp.CommandResults(outputs_prefix="P", outputs={"a": 1}, indicators=both).to_context()["EntryContext"]
    assert [ip["Address"] for ip in context["IP(val.Address && val.Address == obj.Address)"]] == ["1.1.1.1", "2.2.2.2"]
    assert len(context[SCORE_PATH]) == 2
    assert context["P"] == {"a": 1}
    single = csp.CommandResults(indicator=both[0]).to_context()["EntryContext"]
    assert [score["Indicator"] for score in single[SCORE_PATH]] == ["1.1.1.1"]


def test_timeline():
    """One event for each value."""
    timeline = csp.IndicatorsTimeline(indicators=["a", "b"], category="c", message=["m", "n"])
    assert csp.CommandResults(indicators_timeline=timeline).to_context()["IndicatorTimeline"] == [
        {"Value": "a", "Category": "c", "Message": "m"},
        {"Value": "b", "Category": "c", "Message": "n"},
    ]


def test_timeline_of_a_script(host):
    """One value needs no list; a script is named as the cause."""
    host.callingContext["integration"] = False
    assert csp.IndicatorsTimeline("a", message="m").indicators_timeline == [
        {"Value": "a", "Category": "Automation Update", "Message": "m"}
    ]
    assert csp.IndicatorsTimeline().indicators_timeline == []


def test_reliability():
    """By its whole text."""
    get = csp.DBotScoreReliability.get_dbot_score_reliability_from_str
    assert get("A - Completely reliable") == csp.DBotScoreReliability.A
    with pytest.raises(Exception, match="no reliability"):
        get("A")


@pytest.mark.parametrize("kind", ["IP", "CIDR", "Registry Key", "Domain"])
def test_feed_types(kind):
    """Names, not attributes' names."""
    assert csp.FeedIndicatorType.is_valid_type(kind)
    assert not csp.FeedIndicatorType.is_valid_type("FQDN")
    assert not csp.DBotScoreType.is_valid_type("IP")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1.2.3.4", "IP"),
        ("1.2.3.0/24", "CIDR"),
        ("fe80::1", "IPv6"),
        ("2001:db8::/32", "IPv6CIDR"),
        ("a.b@c.org", "Email"),
        ("https://x.org/a?b", "URL"),
        ("CVE-2021-44228", "CVE"),
        ("d41d8cd98f00b204e9800998ecf8427e", "File"),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "File"),
        ("*.x.org", "DomainGlob"),
        ("www.x.org", "Domain"),
        ("1.2.3.400", None),
        ("no indicator", None),
    ],
)
def test_type_by_form(value, kind):
    """auto_detect_indicator_type."""
    assert csp.auto_detect_indicator_type(value) == kind


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (csp.ipv4Regex, "from 10.0.0.255 on", "10.0.0.255"),
        (csp.ipv4Regex, "10[.]0[.]0[.]1", "10[.]0[.]0[.]1"),
        (csp.ipv4Regex, "300.1.1.1", None),
        (csp.ipv4cidrRegex, "net 10.0.0.0/8.", "10.0.0.0/8"),
        (csp.ipv6Regex, "at 2001:db8::ff00:42:8329 now", "2001:db8::ff00:42:8329"),
        (csp.ipv6Regex, "12:34", None),
        (csp.ipv6cidrRegex, "2001:db8::/32", "2001:db8::/32"),
        (csp.emailRegex, "to bob.b+1@x-y.org!", "bob.b+1@x-y.org"),
        (csp.urlRegex, "see hxxps://x[.]org/a", "hxxps://x[.]org/a"),
        (csp.cveRegex, "cve-2021-44228", "cve-2021-44228"),
        (csp.md5Regex, "md5 " + "a" * 32, "a" * 32),
        (csp.md5Regex, "a" * 33, None),
        (csp.sha1Regex, "sha1 " + "a" * 40, "a" * 40),
        (csp.sha256Regex, "sha256 " + "a" * 64, "a" * 64),
        (csp.sha512Regex, "b" * 128, "b" * 128),
        (csp.hashRegex, "hash: 0aF3", "0aF3"),
    ],
)
def test_patterns(pattern, text, found):
    """What they find in a text."""
    match = re.search(pattern, text)
    assert (match and match.group()) == found


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (csp.get_hash_type("a" * 40), "sha1"),
        (csp.get_hash_type("abc"), "Unknown"),
        (csp.is_ip_valid("1.2.3.4"), True),
        (csp.is_ip_valid("1.2.3"), False),
        (csp.is_ip_valid("::1"), False),
        (csp.is_ip_valid("::1", accept_v6_ips=True), True),
        (csp.is_ipv6_valid("::g"), False),
        (csp.is_mac_address("00:1A:2b:00:11:22"), True),
        (csp.is_mac_address("00:1A-2b:00:11:22"), False),
    ],
)
def test_questions(call, expected):
    """Hashes and addresses."""
    assert call == expected


def test_feed_type_by_server(host):
    """Without the prefix from 6.2.0 on."""
    rename = csp.FeedIndicatorType.indicator_type_by_server_version
    assert rename("STIX Malware") == "Malware"
    host.version = {"version": "6.1.0", "buildNumber": "1"}
    assert rename("STIX Malware") == "STIX Malware"


def test_lines_of_a_glued_script_are_told_by_module():
    """Tracebacks name a line of the module's own text; a module inside another is not counted there."""
    csp._MODULES_LINE_MAPPING.clear()
    csp.register_module_line("Outer", "start", 100)
    csp.register_module_line("Inner", "start", 110)
    csp.register_module_line("Inner", "end", 119)
    csp.register_module_line("Outer", "end", 200)
    csp.register_module_line("Broken", "begin", 1)
    csp.register_module_line("Broken", "start", "1")
    lines = 'File "<string>", line {}, in f'
    assert csp.fix_traceback_line_numbers(lines.format(105)) == 'File "<Outer>", line 5, in f'
    assert csp.fix_traceback_line_numbers(lines.format(112)) == 'File "<Inner>", line 2, in f'
    assert csp.fix_traceback_line_numbers(lines.format(125)) == 'File "<Outer>", line 15, in f'
    assert csp.fix_traceback_line_numbers(lines.format(50)) == lines.format(50)
    assert set(csp._MODULES_LINE_MAPPING) == {"Outer", "Inner"}
    csp._MODULES_LINE_MAPPING.clear()


def test_line_is_the_callers():
    """__line__() is called where the mark is."""
    assert csp.__line__() + 1 == csp.__line__() + 1
    first = csp.__line__()
    second = csp.__line__()
    assert second == first + 1


def _poll(again, **more):
    @csp.polling_function("get-it", interval=15, timeout=100)
    def get_it(args):
        return csp.PollResult(response="done", continue_to_poll=again, **more)

    return get_it


@pytest.mark.parametrize(
    ("args", "again", "expected"),
    [
        ({"polling": "true"}, False, "done"),
        ({"polling": "true"}, lambda: False, "done"),
        ({"polling": "false"}, True, "done"),
        ({}, True, "done"),
    ],
)
def test_polling_that_is_over(args, again, expected):
    """Nothing to wait for, or not asked to wait."""
    assert _poll(again)(args) == expected


def test_polling_that_goes_on():
    """The command runs again; the waiting is shown once."""
    wait = _poll(True, args_for_next_run={"polling": "true", "job": "7"})
    first = wait({"polling": "true", "interval_in_seconds": "20"}).to_context()
    assert (first["PollingCommand"], first["NextRun"], first["Timeout"]) == ("get-it", "20", "100")
    assert first["PollingArgs"]["job"] == "7"
    assert first["HumanReadable"]
    again = _poll(True)(first["PollingArgs"]).to_context()
    assert (again["NextRun"], again["HumanReadable"]) == ("15", "")
