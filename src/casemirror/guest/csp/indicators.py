"""The classes by which commands describe indicators. Each is a table from its arguments to the names in the context."""

from csp import server
from csp.entries import outputPaths
from csp.indicator_base import DBotScore, Scored

_SHARED_TAIL = (
    ("campaign", "Campaign"),
    ("traffic_light_protocol", "TrafficLightProtocol"),
    ("threat_types", "ThreatTypes"),
    ("community_notes", "CommunityNotes"),
    ("publications", "Publications"),
    ("relationships", None),
    ("blocked", "Blocked"),
    ("description", "Description"),
    ("stix_id", "STIXID"),
)
_SHARED_GEO = (("geo_country", "Geo.Country"), ("geo_description", "Geo.Description"))


class IP(Scored):
    """An address of version 4 or 6."""

    CONTEXT_PATH = outputPaths["ip"]
    REQUIRED = ("ip", "dbot_score")
    FIELDS = (
        ("ip", "Address"),
        ("asn", "ASN"),
        ("as_owner", "ASOwner"),
        ("region", "Region"),
        ("port", "Port"),
        ("internal", "Internal"),
        ("updated_date", "UpdatedDate"),
        ("registrar_abuse_name", "Registrar.Abuse.Name"),
        ("registrar_abuse_address", "Registrar.Abuse.Address"),
        ("registrar_abuse_country", "Registrar.Abuse.Country"),
        ("registrar_abuse_network", "Registrar.Abuse.Network"),
        ("registrar_abuse_phone", "Registrar.Abuse.Phone"),
        ("registrar_abuse_email", "Registrar.Abuse.Email"),
        ("hostname", "Hostname"),
        ("geo_latitude", None),
        ("geo_longitude", None),
        *_SHARED_GEO,
        ("detection_engines", "DetectionEngines"),
        ("positive_engines", "PositiveDetections"),
        ("organization_name", "Organization.Name"),
        ("organization_type", "Organization.Type"),
        ("feed_related_indicators", "FeedRelatedIndicators"),
        ("tags", "Tags"),
        ("malware_family", "MalwareFamily"),
        *_SHARED_TAIL,
        ("whois_records", "WhoisRecords"),
    )

    def fields_to_context(self):
        """The fields; both coordinates together are the place."""
        fields = super().fields_to_context()
        if self.geo_latitude and self.geo_longitude:
            fields.setdefault("Geo", {})["Location"] = f"{self.geo_latitude}:{self.geo_longitude}"
        return fields


class URL(Scored):
    """A web address."""

    CONTEXT_PATH = outputPaths["url"]
    REQUIRED = ("url", "dbot_score")
    FIELDS = (
        ("url", "Data"),
        ("detection_engines", "DetectionEngines"),
        ("positive_detections", "PositiveDetections"),
        ("category", "Category"),
        ("feed_related_indicators", "FeedRelatedIndicators"),
        ("tags", "Tags"),
        ("malware_family", "MalwareFamily"),
        ("port", "Port"),
        ("internal", "Internal"),
        ("asn", "ASN"),
        ("as_owner", "ASOwner"),
        ("geo_country", "Geo.Country"),
        ("organization", "Organization"),
        *_SHARED_TAIL,
    )


class Domain(Scored):
    """A name in the DNS."""

    CONTEXT_PATH = outputPaths["domain"]
    REQUIRED = ("domain", "dbot_score")
    FIELDS = (
        ("domain", "Name"),
        ("dns", "DNS"),
        ("detection_engines", "DetectionEngines"),
        ("positive_detections", "PositiveDetections"),
        ("organization", "Organization"),
        ("sub_domains", "Subdomains"),
        ("creation_date", "CreationDate"),
        ("updated_date", "UpdatedDate"),
        ("expiration_date", "ExpirationDate"),
        ("domain_status", "DomainStatus"),
        ("name_servers", "NameServers"),
        ("feed_related_indicators", "FeedRelatedIndicators"),
        ("malware_family", "MalwareFamily"),
        ("registrar_name", "Registrar.Name"),
        ("registrar_abuse_email", "Registrar.AbuseEmail"),
        ("registrar_abuse_phone", "Registrar.AbusePhone"),
        ("registrant_name", "Registrant.Name"),
        ("registrant_email", "Registrant.Email"),
        ("registrant_phone", "Registrant.Phone"),
        ("registrant_country", "Registrant.Country"),
        ("admin_name", "Admin.Name"),
        ("admin_email", "Admin.Email"),
        ("admin_phone", "Admin.Phone"),
        ("admin_country", "Admin.Country"),
        ("tags", "Tags"),
        ("domain_idn_name", "DomainIDNName"),
        ("port", "Port"),
        ("internal", "Internal"),
        ("category", "Category"),
        ("geo_location", "Geo.Location"),
        *_SHARED_GEO,
        ("tech_country", "Tech.Country"),
        ("tech_name", "Tech.Name"),
        ("tech_email", "Tech.Email"),
        ("tech_organization", "Tech.Organization"),
        ("billing", "Billing"),
        *_SHARED_TAIL,
        ("whois_records", "WhoisRecords"),
    )
    WHOIS = (
        "DomainStatus",
        "CreationDate",
        "UpdatedDate",
        "ExpirationDate",
        "NameServers",
        "Registrar",
        "Registrant",
        "Admin",
    )

    def fields_to_context(self):
        """The fields; what is registered about the domain stands under WHOIS once more, where older playbooks look."""
        fields = super().fields_to_context()
        whois = {name: fields[name] for name in self.WHOIS if name in fields}
        return {**fields, "WHOIS": whois} if whois else fields


class File(Scored):
    """A file, known by at least one of its hashes."""

    CONTEXT_PATH = outputPaths["file"]
    REQUIRED = ("dbot_score",)
    FIELDS = (
        ("name", "Name"),
        ("entry_id", "EntryID"),
        ("size", "Size"),
        ("md5", "MD5"),
        ("sha1", "SHA1"),
        ("sha256", "SHA256"),
        ("sha512", "SHA512"),
        ("ssdeep", "SSDeep"),
        ("extension", "Extension"),
        ("file_type", "Type"),
        ("hostname", "Hostname"),
        ("path", "Path"),
        ("company", "Company"),
        ("product_name", "ProductName"),
        ("digital_signature__publisher", "DigitalSignature.Publisher"),
        ("signature", "Signature"),
        ("actor", "Actor"),
        ("tags", "Tags"),
        ("feed_related_indicators", "FeedRelatedIndicators"),
        ("malware_family", "MalwareFamily"),
        ("imphash", "Imphash"),
        ("quarantined", "Quarantined"),
        ("associated_file_names", "AssociatedFileNames"),
        ("organization", "Organization"),
        ("behaviors", "Behavior"),
        *_SHARED_TAIL,
    )


class CVE(Scored):
    """A published vulnerability. It has a score of its own, unknown: its danger is in its CVSS."""

    CONTEXT_PATH = outputPaths["cve"]
    REQUIRED = ("id", "cvss", "published", "modified", "description")
    FIELDS = (
        ("id", "ID"),
        ("cvss", "CVSS"),
        ("published", "Published"),
        ("modified", "Modified"),
        ("description", "Description"),
        ("relationships", None),
        ("stix_id", "STIXID"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.dbot_score = DBotScore(self.id, "cve", None, DBotScore.NONE)


class EMAIL(Scored):
    """A mail address."""

    CONTEXT_PATH = outputPaths["email"]
    REQUIRED = ("address", "dbot_score")
    FIELDS = (
        ("address", "Address"),
        ("domain", "Domain"),
        ("blocked", "Blocked"),
        ("relationships", None),
        ("description", "Description"),
        ("internal", "Internal"),
        ("stix_id", "STIXID"),
        ("tags", "Tags"),
        ("traffic_light_protocol", "TrafficLightProtocol"),
        ("feed_related_indicators", "FeedRelatedIndicators"),
    )


class Endpoint(Scored):
    """A machine. It has no score."""

    CONTEXT_PATH = "Endpoint(val.ID && val.ID == obj.ID && val.Vendor == obj.Vendor)"
    REQUIRED = ("id",)
    FIELDS = (
        ("id", "ID"),
        ("hostname", "Hostname"),
        ("ip_address", "IPAddress"),
        ("domain", "Domain"),
        ("mac_address", "MACAddress"),
        ("os", "OS"),
        ("os_version", "OSVersion"),
        ("dhcp_server", "DHCPServer"),
        ("bios_version", "BIOSVersion"),
        ("model", "Model"),
        ("memory", "Memory"),
        ("processors", "Processors"),
        ("processor", "Processor"),
        ("relationships", None),
        ("vendor", "Vendor"),
        ("status", "Status"),
        ("is_isolated", "IsIsolated"),
    )


class Account(Scored):
    """A user's account somewhere."""

    CONTEXT_PATH = "Account(val.ID && val.ID == obj.ID)"
    REQUIRED = ("id",)
    FIELDS = (
        ("id", "ID"),
        ("type", "Type"),
        ("username", "Username"),
        ("display_name", "DisplayName"),
        ("groups", "Groups"),
        ("domain", "Domain"),
        ("email_address", "Email.Address"),
        ("telephone_number", "TelephoneNumber"),
        ("office", "Office"),
        ("job_title", "JobTitle"),
        ("department", "Department"),
        ("country", "Country"),
        ("state", "State"),
        ("city", "City"),
        ("street", "Street"),
        ("is_enabled", "IsEnabled"),
        ("dbot_score", None),
        ("relationships", None),
        ("blocked", "Blocked"),
        ("description", "Description"),
    )


class IndicatorsTimeline:
    """Events for the timelines of indicators (a list of values, or one): one text for all, or a list with one for each."""

    def __init__(self, indicators=None, category=None, message=None):
        values = indicators if isinstance(indicators, list) else [indicators] if indicators else []
        self.indicators_timeline = [
            {
                "Value": value,
                "Category": _each(category, at) or server.timeline_category(),
                "Message": _each(message, at) or "",
            }
            for at, value in enumerate(values)
        ]


def _each(given, at):
    return given[at] if isinstance(given, list) else given
