"""Parts that the context of several indicators may have: notes by others, related indicators, a file's signature."""

from csp.indicator_base import Block


class FeedRelatedIndicators(Block):
    """An indicator that is related to another one."""

    FIELDS = (("value", "value"), ("indicator_type", "type"), ("description", "description"))


class CommunityNotes(Block):
    """A remark on an indicator by other users."""

    FIELDS = (("note", "note"), ("timestamp", "timestamp"))


class Publications(Block):
    """A publication that mentions the indicator."""

    FIELDS = (("source", "source"), ("title", "title"), ("link", "link"), ("timestamp", "timestamp"))


class Behaviors(Block):
    """Something a file does."""

    FIELDS = (("details", "details"), ("action", "title"))


class ThreatTypes(Block):
    """A kind of threat, with how sure that is."""

    FIELDS = (("threat_category", "threatcategory"), ("threat_category_confidence", "threatcategoryconfidence"))


class WhoisRecord(Block):
    """One line of a WHOIS answer."""

    FIELDS = (("whois_record_type", "key"), ("whois_record_value", "value"), ("whois_record_date", "date"))


class FileSignature(Block):
    """The signature of a program file."""

    FIELDS = (
        ("authentihash", "Authentihash"),
        ("copyright", "Copyright"),
        ("description", "Description"),
        ("file_version", "FileVersion"),
        ("internal_name", "InternalName"),
        ("original_name", "OriginalName"),
    )
