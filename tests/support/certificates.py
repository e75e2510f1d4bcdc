"""Self-signed certificates for simulators that serve https."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(folder: Path, host: str) -> tuple[Path, Path]:
    """(certificate, key) as PEM files for a name or an IPv4 address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    today = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(today - timedelta(days=1))
    built = built.not_valid_after(today + timedelta(days=2)).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    built = built.add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


def _alternative(host: str) -> x509.GeneralName:
    if host.replace(".", "").isdecimal():
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)
