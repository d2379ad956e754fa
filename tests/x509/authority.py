"""Make certification authorities, members and revocation lists with the OpenSSL command line."""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

SM2_WITH_SM3 = "1.2.156.10197.1.501"
DISTID = "distid:1234567812345678"
KEY_OPTIONS = {
    "sm2": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["-algorithm", "ED25519"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


AUTHORITY = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n"
MEMBER = "basicConstraints=CA:false\nkeyUsage=critical,digitalSignature\n"
IDENTIFIERS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
DAY_MS = 86_400_000
DAYS = 10
HOUR_MS = 3_600_000


def openssl(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL."""
    command = ["openssl", *(str(one) for one in arguments)]
    return subprocess.run(command, capture_output=True, check=check)


def sign_options(algorithm: str, *, identifier: bool = True) -> list[str]:
    """Name the options with which a key of the algorithm signs."""
    if algorithm == "sm2":
        return ["-sm3", *(["-sigopt", DISTID] if identifier else [])]
    return [] if algorithm == "ed25519" else ["-sha256"]


@dataclass(frozen=True)
class Holder:
    """Who has a key and a certificate.

    OpenSSL 3.0 checks SM2 signatures above the first certificate, and those of revocation lists,
    with the empty identifier, whatever it is told. So an SM2 issuer signs what stands there twice:
    for us with the identifier of the profile, and once more for `openssl verify` (`theirs`).
    """

    name: str
    algorithm: str
    key: Path
    certificate: Path
    theirs: Path
    serial: int

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.read_bytes()


@dataclass(frozen=True)
class List:
    """A revocation list, for us and for `openssl verify`."""

    ours: Path
    theirs: Path


@dataclass
class Maker:
    """Makes certificates in a folder; every time is that of the machine."""

    folder: Path
    made: int = 0
    lists: int = 0
    now_ms: int = field(default_factory=lambda: int(time.time() * 1_000))

    @property
    def at_ms(self) -> int:
        """When to check: certificates and lists are valid from the second they are made in."""
        return self.now_ms + HOUR_MS

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.made}-{name}"

    def holder(
        self,
        name: str,
        algorithm: str,
        issuer: Holder | None = None,
        *,
        extensions: str = MEMBER,
        identifiers: str = IDENTIFIERS,
        days: int = DAYS,
    ) -> Holder:
        """Make a key and its certificate, issued by itself or another."""
        self.made += 1
        key, request, out, theirs = (
            self._file(f"{name}.{end}") for end in ("key", "csr", "pem", "theirs.pem")
        )
        openssl("genpkey", *KEY_OPTIONS[algorithm], "-out", key)
        own = sign_options(algorithm)
        openssl("req", "-new", "-key", key, "-subj", f"/O=City/CN={name}", *own, "-out", request)
        file = self._file("extensions")
        file.write_text(extensions + identifiers)
        common = ["x509", "-req", "-in", request, "-days", days, "-set_serial", self.made]
        common += ["-extfile", file, *(["-vfyopt", DISTID] if algorithm == "sm2" else [])]
        by = issuer or Holder(name, algorithm, key, out, theirs, self.made)
        common += ["-CA", by.certificate, "-CAkey", by.key] if issuer else ["-signkey", key]
        openssl(*common, *sign_options(by.algorithm), "-out", out)
        openssl(*common, *sign_options(by.algorithm, identifier=False), "-out", theirs)
        return Holder(name, algorithm, key, out, theirs, self.made)

    def renewal(self, holder: Holder, issuer: Holder, *, days: int = DAYS) -> Holder:
        """Issue another certificate for the same key."""
        self.made += 1
        request, out = self._file("renewal.csr"), self._file("renewal.pem")
        own = sign_options(holder.algorithm)
        subject = f"/O=City/CN={holder.name}"
        openssl("req", "-new", "-key", holder.key, "-subj", subject, *own, "-out", request)
        file = self._file("extensions")
        file.write_text(MEMBER + IDENTIFIERS)
        common = ["x509", "-req", "-in", request, "-days", days, "-set_serial", self.made]
        common += ["-extfile", file, "-CA", issuer.certificate, "-CAkey", issuer.key]
        common += ["-vfyopt", DISTID] if holder.algorithm == "sm2" else []
        openssl(*common, *sign_options(issuer.algorithm), "-out", out)
        return Holder(holder.name, holder.algorithm, holder.key, out, out, self.made)

    def authority(self, name: str, algorithm: str, issuer: Holder | None = None, **more) -> Holder:
        """Make an authority."""
        more.setdefault("extensions", AUTHORITY)
        return self.holder(name, algorithm, issuer, **more)

    def crl(
        self, issuer: Holder, *revoked: Holder, days: int = 5, identifier: bool = False
    ) -> List:
        """Make an issuer's revocation list; with `identifier` it names the issuer's key."""
        self.lists += 1
        index = self.folder / f"{self.lists}-index"
        rows = [
            f"R\t401231000000Z\t240101000000Z\t{one.serial:02X}\tunknown\t/CN={one.name}\n"
            for one in revoked
        ]
        index.write_text("".join(rows))
        number = self.folder / f"{self.lists}-number"
        number.write_text(f"{self.lists:02X}\n")
        settings = self.folder / f"{self.lists}-settings"
        digest = "sm3" if issuer.algorithm == "sm2" else "default"
        settings.write_text(
            f"[ca]\ndefault_ca=one\n[one]\ndatabase={index}\ncrlnumber={number}\n"
            f"default_md={digest}\ndefault_crl_days={days}\n"
            + ("crl_extensions=of\n[of]\nauthorityKeyIdentifier=keyid\n" if identifier else "")
        )
        ours, theirs = (self.folder / f"{self.lists}-{end}.crl" for end in ("ours", "theirs"))
        make = ["ca", "-config", settings, "-gencrl", "-keyfile", issuer.key]
        make += ["-cert", issuer.certificate]
        signer = ["-sigopt", DISTID] if issuer.algorithm == "sm2" else []
        openssl(*make, *signer, "-out", ours)
        openssl(*make, "-out", theirs)
        return List(ours, theirs)

    def verify(
        self,
        certificate: Path,
        *,
        authorities: list[Holder],
        intermediates: list[Holder],
        crls: list[List] | None,
        at_ms: int,
    ) -> str:
        """Ask OpenSSL: empty where it accepts the path, else what it says."""
        trusted, between, lists = (self.folder / name for name in ("trusted", "between", "lists"))
        trusted.write_bytes(b"".join(one.theirs.read_bytes() for one in authorities))
        between.write_bytes(b"".join(one.theirs.read_bytes() for one in intermediates))
        command = ["verify", "-attime", at_ms // 1_000, "-CAfile", trusted, "-partial_chain"]
        command += ["-no-CApath", "-no-CAstore"]
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
        if parsed.signature_algorithm_oid.dotted_string == SM2_WITH_SM3:
            command += ["-vfyopt", DISTID]
        if intermediates:
            command += ["-untrusted", between]
        if crls is not None:
            lists.write_bytes(b"".join(one.theirs.read_bytes() for one in crls))
            command += ["-crl_check_all", *(["-CRLfile", lists] if crls else [])]
        done = openssl(*command, certificate, check=False)
        return "" if done.returncode == 0 else done.stderr.decode()
