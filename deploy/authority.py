"""A private certificate authority: for the broker, and for devices that show a certificate.

Files of its directory: `ca.key` signs (for its owner alone), `ca.pem` is its own certificate, and
`ca.crt` is what broker and clients trust: after a renewal the old authority as well, until it is
retired, so that nobody is shut out in between.
"""

import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.errors import CarewatchError
from core.files import OWNER_ALONE, replace_file

YEARS = timedelta(days=3650)  # of an authority: longer than a device stays in the field
BROKER_DAYS = 397  # what browsers and some TLS libraries accept at most
CLIENT_DAYS = 1095  # a device is visited less often
EARLIER = timedelta(hours=1)  # a device's clock may be a little slow
READABLE = 0o644
CURVE = ec.SECP256R1()  # what mbedTLS in small devices knows


class Authority:
    """The files of one directory. Raises CarewatchError where they are missing or can't be read."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._key, self._own, self.bundle = home / "ca.key", home / "ca.pem", home / "ca.crt"

    def begin(self, now: datetime) -> None:
        """Make the authority. Raises CarewatchError where there is one."""
        if self._key.exists():
            raise CarewatchError(f"{self._key}: there is an authority; --renew makes the next one")
        self.home.mkdir(parents=True, exist_ok=True)
        self._make(now, trusted=b"")

    def renew(self, now: datetime) -> None:
        """Make the next authority, trusted beside the old one until `retire`."""
        self._certificate()
        self._make(now, trusted=self.bundle.read_bytes())

    def retire(self) -> None:
        """Trust the newest authority alone."""
        replace_file(self.bundle, _pem(self._certificate()), READABLE)

    def issue_broker(self, names: list[str], now: datetime, days: int = BROKER_DAYS) -> None:
        """Write `server.key` and `server.crt` for a broker of these DNS names and IP addresses."""
        alternatives = x509.SubjectAlternativeName([_general_name(each) for each in names])
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        self._issue("server", names[0], usage, now, days, alternatives)

    def issue_client(self, name: str, now: datetime, days: int = CLIENT_DAYS) -> None:
        """Write `NAME.key` and `NAME.crt`, in which NAME is the account at the broker."""
        self._issue(name, name, ExtendedKeyUsageOID.CLIENT_AUTH, now, days)

    def _make(self, now: datetime, trusted: bytes) -> None:
        key = ec.generate_private_key(CURVE)
        name = _name(f"carewatch CA {now:%Y-%m-%d} {secrets.token_hex(4)}")  # no two are alike
        public = key.public_key()
        certificate = (
            _builder(name, name, public, now, YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
        replace_file(self._key, _pem_of_key(key), OWNER_ALONE)
        replace_file(self._own, _pem(certificate), READABLE)
        replace_file(self.bundle, _pem(certificate) + trusted, READABLE)

    def _issue(
        self,
        file: str,
        common_name: str,
        usage: x509.ObjectIdentifier,
        now: datetime,
        days: int,
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> None:
        authority, key = self._certificate(), ec.generate_private_key(CURVE)
        public = key.public_key()
        built = (
            _builder(_name(common_name), authority.subject, public, now, timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(_identifier_of(authority), critical=False)
        )
        if alternatives is not None:
            built = built.add_extension(alternatives, critical=False)
        replace_file(self.home / f"{file}.key", _pem_of_key(key), OWNER_ALONE)
        certificate = built.sign(self._signing_key(), hashes.SHA256())
        replace_file(self.home / f"{file}.crt", _pem(certificate), READABLE)

    def _certificate(self) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._own.read_bytes())
        except (OSError, ValueError):
            raise CarewatchError(f"{self._own}: no authority; `carewatch ca init`") from None

    def _signing_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(self._key.read_bytes(), None)
        except (OSError, ValueError):
            raise CarewatchError(f"{self._key}: can't be read") from None
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key


def now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    begins: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - EARLIER)
        .not_valid_after(begins + lasts)
    )


def _name(common_name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    except ValueError:
        raise CarewatchError(
            f"{common_name!r}: a certificate holds names of 1 to 64 characters"
        ) from None


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier_of(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
