"""Regular expressions of indicators and the questions they answer: which kind of hash, a valid address, which type is this value."""

import ipaddress
import re

regexFlags = re.M

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_HEXTETS = r"[0-9a-fA-F]{1,4}"

ipv4Regex = rf"\b(?:{_OCTET}(?:\[\.\]|\.)){{3}}{_OCTET}\b"
ipv4cidrRegex = rf"\b(?:{_OCTET}(?:\[\.\]|\.)){{3}}{_OCTET}(?:\[/\]|\\/|/)(?:3[0-2]|[12]?\d)\b"
ipv6Regex = (
    rf"(?<![\w:.])(?:(?:{_HEXTETS}:){{7}}{_HEXTETS}|(?:{_HEXTETS}(?::{_HEXTETS}){{0,6}})?::"
    rf"(?:{_HEXTETS}(?::{_HEXTETS}){{0,6}})?)(?![\w:])"
)
ipv6cidrRegex = ipv6Regex.removesuffix(r"(?![\w:])") + r"/(?:12[0-8]|1[01]\d|[1-9]?\d)\b"
emailRegex = r"\b[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+(?:@|\[@\])(?:[A-Za-z0-9-]+(?:\.|\[\.\]))+[A-Za-z]{2,63}\b"
urlRegex = (
    r"(?:(?:https?|hxxps?|ftps?|sftp)(?:://|\[:\]//|:\\\\|\[://\])|www(?:\.|\[\.\]))"
    r"[^\s/?#\"'<>]+(?:[/?#][^\s\"'<>]*)?"
)
cveRegex = r"(?i)^cve-\d{4}-\d{4,7}$"

md5Regex = re.compile(r"\b[0-9a-fA-F]{32}\b", regexFlags)
sha1Regex = re.compile(r"\b[0-9a-fA-F]{40}\b", regexFlags)
sha256Regex = re.compile(r"\b[0-9a-fA-F]{64}\b", regexFlags)
sha512Regex = re.compile(r"\b[0-9a-fA-F]{128}\b", regexFlags)
hashRegex = re.compile(r"\b[0-9a-fA-F]+\b", regexFlags)

_HASH_OF_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{1,62}", re.I)


def get_hash_type(hash_file):
    """'md5', 'sha1', 'sha256', 'sha512' by the text's length, 'Unknown' otherwise."""
    return _HASH_OF_LENGTH.get(len(hash_file), "Unknown")


def is_ip_valid(s, accept_v6_ips=False):
    """Whether the text is an IPv4 address, or an IPv6 address when these are accepted."""
    return _is_address(s, ipaddress.IPv4Address) or (accept_v6_ips and is_ipv6_valid(s))


def is_ipv6_valid(address):
    """Whether the text is an IPv6 address."""
    return _is_address(address, ipaddress.IPv6Address)


def _is_address(value, kind):
    try:
        kind(value if isinstance(value, str) else str(value))
    except ValueError:
        return False
    return True


def is_mac_address(mac):
    """Whether the text is six pairs of hex digits with ':' or '-' between them."""
    return bool(re.fullmatch(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4})", str(mac), re.I))


def is_domain(value):
    """Whether the text has the form of a domain name; nobody is asked whether it exists."""
    return bool(_DOMAIN.fullmatch(value))


def is_network(value, version):
    """Whether the text is an address with a prefix length, of IP version 4 or 6."""
    try:
        return "/" in value and ipaddress.ip_network(value, strict=False).version == version
    except ValueError:
        return False
