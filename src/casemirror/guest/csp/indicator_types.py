"""Names of indicator types, and what a value's type is."""

import re

from csp import patterns, server


class DBotScoreType:
    """Names of indicator types in scores."""

    IP = "ip"
    FILE = "file"
    DOMAIN = "domain"
    URL = "url"
    EMAIL = "email"
    ACCOUNT = "account"
    CVE = "cve"
    CERTIFICATE = "certificate"
    CRYPTOCURRENCY = "cryptocurrency"
    # the shipped class has a tuple of one here, by a stray comma; a text is what every reader of a score expects
    CIDR = "cidr"
    DOMAINGLOB = "domainglob"
    ATTACKPATTERN = "attackpattern"
    CUSTOM = "custom"

    @classmethod
    def is_valid_type(cls, _type):
        """Whether the name is one of these."""
        return _type in [value for name, value in vars(cls).items() if name.isupper()]


class DBotScoreReliability:
    """How far a source of scores is to be trusted, from the best to the one that nobody can judge."""

    A_PLUS = "A+ - 3rd party enrichment"
    A = "A - Completely reliable"
    B = "B - Usually reliable"
    C = "C - Fairly reliable"
    D = "D - Not usually reliable"
    E = "E - Unreliable"
    F = "F - Reliability cannot be judged"

    @classmethod
    def _all(cls):
        return [cls.A_PLUS, cls.A, cls.B, cls.C, cls.D, cls.E, cls.F]

    @classmethod
    def is_valid_type(cls, _type):
        """Whether the text is one of these."""
        return _type in cls._all()

    @classmethod
    def get_dbot_score_reliability_from_str(cls, reliability_str):
        """The reliability of that text; Exception when there is none."""
        if not cls.is_valid_type(reliability_str):
            raise Exception(f"{reliability_str!r} is no reliability; there are: {', '.join(cls._all())}")  # noqa: TRY002
        return reliability_str


class FeedIndicatorType:
    """Names of indicator types in feeds."""

    Account = "Account"
    CVE = "CVE"
    Domain = "Domain"
    DomainGlob = "DomainGlob"
    Email = "Email"
    File = "File"
    FQDN = "Domain"
    Host = "Host"
    IP = "IP"
    CIDR = "CIDR"
    IPv6 = "IPv6"
    IPv6CIDR = "IPv6CIDR"
    Registry = "Registry Key"
    SSDeep = "ssdeep"
    URL = "URL"
    AS = "ASN"
    MUTEX = "Mutex"
    Malware = "Malware"
    Identity = "Identity"
    Location = "Location"
    Software = "Software"
    X509 = "X509 Certificate"

    @classmethod
    def is_valid_type(cls, _type):
        """Whether the name is one of these."""
        return _type in [value for name, value in vars(cls).items() if isinstance(value, str) and name[0] != "_"]

    @staticmethod
    def list_all_supported_indicators():
        """All names."""
        names = vars(FeedIndicatorType).items()
        return [value for name, value in names if isinstance(value, str) and name[0] != "_"]

    @staticmethod
    def ip_to_indicator_type(ip):
        """IP, IPv6, CIDR or IPv6CIDR for an address or network in text; None for anything else."""
        ip = str(ip)
        for version, address, network in ((4, "IP", "CIDR"), (6, "IPv6", "IPv6CIDR")):
            if patterns.is_network(ip, version):
                return network
            if patterns.is_ipv6_valid(ip) if version == 6 else patterns.is_ip_valid(ip):
                return address
        return None

    @staticmethod
    def indicator_type_by_server_version(indicator_type):
        """The type's name on this server: from 6.2.0 on without the prefix 'STIX '."""
        if server.is_at_least("6.2.0"):
            return indicator_type.removeprefix("STIX ")
        return indicator_type


def auto_detect_indicator_type(indicator_value):
    """FeedIndicatorType of a value, by its form alone; None when it has none of the known forms."""
    address = FeedIndicatorType.ip_to_indicator_type(indicator_value)
    if address:
        return address
    if re.fullmatch(patterns.emailRegex, indicator_value):
        return FeedIndicatorType.Email
    if re.match(patterns.cveRegex, indicator_value):
        return FeedIndicatorType.CVE
    if any(kind.fullmatch(indicator_value) for kind in _FILE_HASHES):
        return FeedIndicatorType.File
    if indicator_value.startswith("*.") and patterns.is_domain(indicator_value[2:]):
        return FeedIndicatorType.DomainGlob
    if patterns.is_domain(indicator_value):  # before the URLs, which may begin with www. alone
        return FeedIndicatorType.Domain
    return FeedIndicatorType.URL if re.fullmatch(patterns.urlRegex, indicator_value) else None


_FILE_HASHES = (patterns.md5Regex, patterns.sha1Regex, patterns.sha256Regex, patterns.sha512Regex)
