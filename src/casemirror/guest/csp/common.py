"""`Common`: the namespace by which integrations know the indicator classes."""

from csp import certificates, indicator_base, indicators


class Common:
    """Indicator classes; a name for each, no code."""

    Indicator = indicator_base.Indicator
    DBotScore = indicator_base.DBotScore
    IP = indicators.IP
    URL = indicators.URL
    Domain = indicators.Domain
    File = indicators.File
    FileSignature = indicators.FileSignature
    CVE = indicators.CVE
    EMAIL = indicators.EMAIL
    Endpoint = indicators.Endpoint
    Account = indicators.Account
    FeedRelatedIndicators = indicators.FeedRelatedIndicators
    CommunityNotes = indicators.CommunityNotes
    Publications = indicators.Publications
    Behaviors = indicators.Behaviors
    ThreatTypes = indicators.ThreatTypes
    WhoisRecord = indicators.WhoisRecord
    Certificate = certificates.Certificate
    CertificatePublicKey = certificates.CertificatePublicKey
    GeneralName = certificates.GeneralName
