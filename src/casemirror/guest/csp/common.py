"""`Common`: the namespace by which integrations know the indicator classes."""

from csp import certificates, further_indicators, indicator_base, indicator_parts, indicators


class Common:
    """Indicator classes; a name for each, no code."""

    Indicator = indicator_base.Indicator
    DBotScore = indicator_base.DBotScore
    IP = indicators.IP
    URL = indicators.URL
    Domain = indicators.Domain
    File = indicators.File
    FileSignature = indicator_parts.FileSignature
    CVE = indicators.CVE
    EMAIL = indicators.EMAIL
    Endpoint = indicators.Endpoint
    Account = indicators.Account
    FeedRelatedIndicators = indicator_parts.FeedRelatedIndicators
    CommunityNotes = indicator_parts.CommunityNotes
    Publications = indicator_parts.Publications
    Behaviors = indicator_parts.Behaviors
    ThreatTypes = indicator_parts.ThreatTypes
    WhoisRecord = indicator_parts.WhoisRecord
    Certificate = certificates.Certificate
    CertificatePublicKey = certificates.CertificatePublicKey
    GeneralName = certificates.GeneralName
    Cryptocurrency = further_indicators.Cryptocurrency
    CustomIndicator = further_indicators.CustomIndicator
