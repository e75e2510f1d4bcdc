"""Certificates as indicators."""

from csp.indicator_base import Block, Scored

_KEYS = ("MD5", "SHA1", "SHA256", "SHA512")


class CertificatePublicKey(Block):
    """A public key; which fields it has depends on the algorithm."""

    class Algorithm:
        """Names of the algorithms."""

        DSA = "DSA"
        RSA = "RSA"
        EC = "EC"
        UNKNOWN = "Unknown Algorithm"

        @staticmethod
        def is_valid_type(_type):
            """Whether the name is one of these."""
            return _type in ("DSA", "RSA", "EC", "Unknown Algorithm")

    REQUIRED = ("algorithm", "length")
    FIELDS = (
        ("algorithm", "Algorithm"),
        ("length", "Length"),
        ("publickey", "PublicKey"),
        ("p", "P"),
        ("q", "Q"),
        ("g", "G"),
        ("modulus", "Modulus"),
        ("exponent", "Exponent"),
        ("x", "X"),
        ("y", "Y"),
        ("curve", "Curve"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.Algorithm.is_valid_type(self.algorithm):
            raise TypeError(f"algorithm {self.algorithm!r} is none of CertificatePublicKey.Algorithm")


class GeneralName(Block):
    """One alternative name of a certificate's subject."""

    OTHERNAME = "otherName"
    RFC822NAME = "rfc822Name"
    DNSNAME = "dNSName"
    DIRECTORYNAME = "directoryName"
    UNIFORMRESOURCEIDENTIFIER = "uniformResourceIdentifier"
    IPADDRESS = "iPAddress"
    REGISTEREDID = "registeredID"

    REQUIRED = ("gn_value", "gn_type")
    FIELDS = (("gn_type", "Type"), ("gn_value", "Value"))


class Certificate(Scored):
    """An X.509 certificate. Its name is the first alternative name that is one, else the subject."""

    CONTEXT_PATH = "Certificate(" + " || ".join(f"val.{key} && val.{key} == obj.{key}" for key in _KEYS) + ")"
    REQUIRED = ("subject_dn",)
    FIELDS = (
        ("subject_dn", "SubjectDN"),
        ("dbot_score", None),
        ("name", "Name"),
        ("issuer_dn", "IssuerDN"),
        ("serial_number", "SerialNumber"),
        ("validity_not_after", "ValidityNotAfter"),
        ("validity_not_before", "ValidityNotBefore"),
        ("sha512", "SHA512"),
        ("sha256", "SHA256"),
        ("sha1", "SHA1"),
        ("md5", "MD5"),
        ("publickey", "PublicKey"),
        ("spki_sha256", "SPKISHA256"),
        ("signature_algorithm", "Signature.Algorithm"),
        ("signature", "Signature.Signature"),
        ("subject_alternative_name", "SubjectAlternativeName"),
        ("extensions", "Extension"),
        ("pem", "PEM"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.subject_alternative_name = [_as_name(name) for name in self.subject_alternative_name or []]
        self.name = self.name or next(
            (name.gn_value for name in self.subject_alternative_name if name.gn_value), self.subject_dn
        )


def _as_name(name):
    if isinstance(name, dict):
        return GeneralName(gn_value=name.get("Value"), gn_type=name.get("Type"))
    return name if isinstance(name, GeneralName) else GeneralName(gn_value=name, gn_type=None)
