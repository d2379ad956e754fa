"""Sign statements about files, register them, and verify what came back."""

import functools
import hashlib
import mimetypes
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click
import httpx

from trine._cli.authorities import named_path, read_all
from trine._cli.settings import Settings, common, facts, moment, signing
from trine.client.settings import tls
from trine.client.verification import Trust, read_file, unreadable, write_whole
from trine.crypto import SecretKey, SigningKey
from trine.errors import (
    BadAnswer,
    BadArgument,
    CannotReachNode,
    UnreadableFile,
    Unsupported,
    error_of,
)
from trine.types.calls import PublicKey

if TYPE_CHECKING:
    from trine.services.evidence import checking
    from trine.services.evidence.certificate import Known, VerifiedStatement

F = TypeVar("F", bound=Callable[..., Any])

SHA256: Final = -16
"""Number of SHA-256 in COSE (RFC 9054, section 2.1)."""
TIMEOUT_S: Final = 30.0
RETRY_S: Final = 1.0
"""Seconds between two questions for a receipt."""
ANSWER_BYTES_MAX: Final = 8 * 1_024 * 1_024
"""Bytes of what a service answers."""
KEY_SET_BYTES_MAX: Final = 1_024 * 1_024
CERTIFICATE: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n%trine-certificate 2 "
"""How the certificate of a statement begins (docs/reference/certificate.md)."""
DEFAULT_TYPE: Final = "application/octet-stream"


@click.group()
def statement() -> None:
    """Sign statements about files, register them with a service, verify them offline.

    Statements and receipts are those of RFC 9943 (SCITT) and RFC 9942: other programs read them
    too. `trine evidence serve` is such a service.

    \b
    Examples:
      trine statement sign report.pdf --issuer https://city.example --out report.statement
      trine statement register report.statement --service http://127.0.0.1:8650 \\
          --out report.transparent
      trine statement verify report.transparent --file report.pdf --issuer-key KEY \\
          --service-keys keys.cbor --trust trust.json
    """


@statement.command("sign")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--issuer", required=True, metavar="URI", help="Who says it.")
@click.option("--subject", help="What it is about.  [default: the name of FILE]")
@click.option("--type", "content_type", help="Media type of FILE.  [default: by its name]")
@click.option("--embed", is_flag=True, help="Put the content itself in, not its digest.")
@click.option(
    "--certificates",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate of the key and those above it (PEM), to be put in.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File.")
@common
@signing
def sign(
    settings: Settings,
    key: SigningKey,
    file: Path,
    issuer: str,
    subject: str | None,
    content_type: str | None,
    embed: bool,
    certificates: Path | None,
    out: Path,
) -> None:
    """Sign a statement about FILE: its SHA-256 digest, or with --embed its content.

    \b
    Examples:
      trine statement sign report.pdf --issuer https://city.example --out report.statement
      trine statement sign note.txt --issuer https://city.example --embed --out note.statement
    """
    module = evidence_module("statement")
    if not isinstance(key, SecretKey):
        raise BadArgument("the key lives in a token, which signs no statements")
    content = read_file(file, module.STATEMENT_BYTES_MAX) if embed else _digest(file)
    made = module.sign_statement(
        content,
        key=key,
        issuer=issuer,
        subject=subject or file.name,
        content_type=content_type or mimetypes.guess_type(file.name)[0] or DEFAULT_TYPE,
        issued_at_s=int(time.time()),
        payload_hash=None if embed else SHA256,
        certificates=[] if certificates is None else [one.der for one in read_all([certificates])],
    )
    _write(out, made)
    function = evidence_module("tree").FUNCTIONS[settings.home.suite]
    entry = module.entry_of(made, function)
    document = {"statement": str(out), "bytes": len(made), "entry": str(entry), "key": _text(key)}
    lines = [f"Signed a statement about {file}: {out} ({len(made)} bytes)"]
    settings.emit(document, [*lines, *facts(issuer=issuer, entry=entry, key=_text(key))])


@statement.command("register")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--service", required=True, metavar="URL", help="Where the service listens.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the service's keys into this file: compare them with another source.",
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the service."
)
@common
def register(
    settings: Settings,
    file: Path,
    service: str,
    out: Path,
    keys: Path | None,
    ca_file: Path | None,
) -> None:
    """Register a statement, and write it with its receipt.

    Registering again gives another receipt of the same record.

    \b
    Examples:
      trine statement register report.statement --service http://127.0.0.1:8650 \\
          --out report.transparent --keys keys.cbor
    """
    module = evidence_module("statement")
    data = read_file(file, module.TRANSPARENT_BYTES_MAX)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=tls(ca_file, None, None)) as http:
        receipt = _post(http, service, module.registered(data))
        read = evidence_module("receipt").read_receipt(receipt)
        if not read.inclusions:
            raise BadAnswer(f"{service} gave a receipt without a place in a log", instance=service)
        made = module.with_receipts(data, [receipt])
        if keys is not None:
            _write(keys, get(http, service, "/.well-known/scitt-keys"))
    _write(out, made)
    place = read.inclusions[0]
    document = {
        "statement": str(out),
        "service": read.issuer,
        "log": read.subject,
        "index": place.leaf_index,
        "size": place.size,
    }
    lines = [f"Registered: {out} has a receipt of {read.issuer}"]
    lines += facts(log=f"{read.subject}, entry {place.leaf_index} of {place.size}")
    settings.emit(document, lines)


class Believed(NamedTuple):
    """Whom to believe about a statement, as options say it."""

    issuer_key: str | None
    issuer_roots: Path | None
    service_keys: Path | None

    def require(self) -> None:
        """Check that somebody is believed, and nobody twice.

        Raises:
            BadArgument: It is not so.
        """
        if (self.issuer_key is None) == (self.issuer_roots is None):
            raise BadArgument("give --issuer-key or --issuer-roots, one of the two")
        if self.service_keys is None:
            raise BadArgument("--service-keys names the keys of the service whose receipt it has")

    def known(self) -> "Known":
        """Read keys and roots, of which any may be missing.

        Raises:
            BadArgument: Key and roots are given, or the key is none.
            BadHeader, BadCertificate: A file holds something else.
        """
        if self.issuer_key is not None and self.issuer_roots is not None:
            raise BadArgument("give --issuer-key or --issuer-roots, one of the two")
        services: list[PublicKey] = []
        if self.service_keys is not None:
            data = read_file(self.service_keys, KEY_SET_BYTES_MAX)
            services = evidence_module("checking").read_key_set(data)
        made: Known = evidence_module("certificate").Known(
            None if self.issuer_key is None else _read_key(self.issuer_key),
            () if self.issuer_roots is None else tuple(read_all([self.issuer_roots])),
            tuple(services),
        )
        return made


_ISSUER: Final = (
    click.option("--issuer-key", metavar="ALGORITHM:HEX", help="Key of a statement's issuer."),
    click.option(
        "--issuer-roots",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Or certificates (PEM) that vouch for the issuer, where the statement brings its own.",
    ),
)


_CERTIFICATE: Final = (
    click.option(
        "--trust", "trust_file", required=True, type=click.Path(path_type=Path), help="Trust file."
    ),
    click.option(
        "--out",
        required=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="PDF to write.",
    ),
    click.option(
        "--language",
        type=click.Choice(["en", "zh"]),
        default="en",
        show_default=True,
        help="Language of the page: English or Chinese.",
    ),
)


def issuer_options(function: F) -> F:
    """Add the options by which the issuer of a statement is known."""
    return functools.reduce(lambda made, option: option(made), reversed(_ISSUER), function)


def certificate_options(function: F) -> F:
    """Add what every command that makes a certificate is given."""
    return functools.reduce(lambda made, option: option(made), reversed(_CERTIFICATE), function)


@statement.command("verify")
@click.argument("statement_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--file",
    "content",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the statement is about.",
)
@issuer_options
@click.option(
    "--service-keys",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys of the service, as it gives them.",
)
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path),
    help="Trust file of the chain: with it nothing depends on the service.",
)
@common
def verify(
    settings: Settings,
    statement_file: Path,
    content: Path | None,
    issuer_key: str | None,
    issuer_roots: Path | None,
    service_keys: Path | None,
    trust_file: Path | None,
) -> None:
    """Verify a statement with its receipts; no network is needed.

    FILE may be a certificate (PDF) of a statement: its page must be the one that belongs to it, and
    keys that are not given are taken from it, and named for you to compare.

    Exit status 0: verified; 1: it does not hold, and one sentence says what; 5: no statement.

    \b
    Examples:
      trine statement verify report.transparent --file report.pdf --issuer-key KEY \\
          --service-keys keys.cbor --trust trust.json
      trine statement verify report.transparent --file report.pdf --issuer-roots root.pem \\
          --service-keys keys.cbor --trust trust.json
    """
    believed = Believed(issuer_key, issuer_roots, service_keys)
    trust = None if trust_file is None else Trust.load(trust_file)
    show_verified(settings, statement_file, content, believed, trust)


def show_verified(
    settings: Settings,
    statement_file: Path,
    content: Path | None,
    believed: Believed,
    trust: Trust | None,
) -> None:
    """Verify a statement, and the file that it is about where one is given, and say so.

    Raises:
        BadArgument: It is not said whom to believe, or twice.
        TrineError: As `checking.check`.
    """
    if is_certificate(statement_file):
        show_certificate(settings, statement_file, content, believed, trust)
        return
    believed.require()
    issuer_key, issuer_roots, service_keys = believed
    assert service_keys is not None, "it was asked for"
    checking = evidence_module("checking")
    data = read_file(statement_file, evidence_module("statement").TRANSPARENT_BYTES_MAX)
    checked = checking.check(
        data,
        issuer_key=None if issuer_key is None else _read_key(issuer_key),
        issuer_roots=() if issuer_roots is None else read_all([issuer_roots]),
        service_keys=checking.read_key_set(read_file(service_keys, KEY_SET_BYTES_MAX)),
        trust=trust,
        now_s=int(time.time()),
    )
    if content is not None:
        checking.check_content(checked.statement, content)
    settings.emit(_document(checked, content), _lines(checked, content))


def is_certificate(path: Path) -> bool:
    """Say whether a file begins as the certificate of a statement."""
    return read_file(path, len(CERTIFICATE)).startswith(CERTIFICATE)


def show_certificate(
    settings: Settings,
    file: Path,
    content: Path | None,
    believed: Believed,
    trust: Trust | None,
    *,
    code: str | None = None,
) -> None:
    """Verify a statement by its certificate, and say so, with what is left to be compared.

    Raises:
        BadArgument: There is no trust file, or key and roots are given.
        TrineError: As `certificate.verify_statement_certificate`.
    """
    module = evidence_module("certificate")
    if trust is None:
        raise BadArgument("--trust names the trust file of the chain: a certificate needs it")
    data = read_file(file, module.STATEMENT_CERTIFICATE_BYTES_MAX)
    found: VerifiedStatement = module.verify_statement_certificate(data, trust, believed.known())
    checked = found.proven.checked
    if code is not None:
        module.check_statement_code(code, found)
    if content is not None:
        evidence_module("checking").check_content(checked.statement, content)
    document = {**_document(checked, content), "certificate_file": str(file)}
    lines = [*_lines(checked, content), f"Verified: {file} shows this, and nothing else"]
    lines += [
        f"compare the PDF's own {name} with another source: SHA-256 {digest}"
        for name, digest in found.compare.items()
    ]
    settings.emit({**document, "compare": found.compare}, lines)


@statement.command("certificate")
@click.argument("statement_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--file",
    "content",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the statement is about, to be compared first.",
)
@issuer_options
@click.option(
    "--service-keys",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys of the service, as it gives them.",
)
@certificate_options
@common
def certificate(
    settings: Settings,
    statement_file: Path,
    content: Path | None,
    issuer_key: str | None,
    issuer_roots: Path | None,
    service_keys: Path,
    trust_file: Path,
    out: Path,
    language: str,
) -> None:
    """Make the certificate of a registered statement: a PDF for people, with the proof inside.

    It shows by whom, about what and when, and carries the statement with its receipts and the keys
    with which it was verified. `trine evidence verify` takes it in the place of a receipt. Needs
    the packages of trine[platform], and no network.

    \b
    Examples:
      trine statement certificate report.transparent --issuer-key KEY \\
          --service-keys keys.cbor --trust trust.json --out certificate.pdf
      trine statement certificate report.transparent --issuer-roots root.pem --language zh \\
          --service-keys keys.cbor --trust trust.json --out certificate.pdf
    """
    believed = Believed(issuer_key, issuer_roots, service_keys)
    believed.require()
    module, trust = evidence_module("certificate"), Trust.load(trust_file)
    data = read_file(statement_file, evidence_module("statement").TRANSPARENT_BYTES_MAX)
    made = module.write_statement_certificate(data, trust, believed.known(), language=language)
    found: VerifiedStatement = module.verify_statement_certificate(made, trust)
    checked, chain = found.proven.checked, found.proven.chain
    if content is not None:
        evidence_module("checking").check_content(checked.statement, content)
    write_whole(out, made)
    document = {
        "certificate": str(out),
        "statement": str(statement_file),
        "language": language,
        "bytes": len(made),
        "issuer": checked.statement.issuer,
        "height": chain.height,
        "log": found.code.log,
        "index": found.code.index,
        "code": found.code.text(),
    }
    line = f"Wrote {out}: certificate of {checked.statement.issuer}'s statement"
    settings.emit(document, [f"{line} about {checked.statement.subject}, block {chain.height}"])


def _document(checked: "checking.Checked", content: Path | None) -> dict[str, Any]:
    said = checked.statement
    return {
        "verified": True,
        "issuer": said.issuer,
        "subject": said.subject,
        "content_type": said.content_type,
        "issued_at_s": said.issued_at_s,
        "file": None if content is None else str(content),
        "certificate": named_path(checked.path),
        "receipts": [
            {
                "service": one.receipt.issuer,
                "log": one.receipt.subject,
                "index": one.leaf_index,
                "size": one.head.size,
                "chain": one.chain and one.chain.chain,
                "height": one.chain and one.chain.height,
                "time_ms": one.chain and one.chain.time_ms,
                "signers": one.chain and list(one.chain.signers),
            }
            for one in checked.receipts
        ],
    }


def _lines(checked: "checking.Checked", content: Path | None) -> Iterator[str]:
    said = checked.statement
    yield f"Verified: {said.issuer} signed this statement about {said.subject}"
    if checked.path is not None:
        member, root = checked.path.member.subject, checked.path.authority.subject
        yield f"Verified: by the certificate of {member}, for whom {root} vouches"
    if content is not None:
        yield f"Verified: {content} is, bit for bit, what it is about"
    for one in checked.receipts:
        index, size = one.leaf_index, one.head.size
        yield f"Verified: {one.receipt.issuer} has it in its log, entry {index} of {size}"
        if one.chain is None:
            yield "Not verified: who certified the log (give --trust, or ask for a full receipt)"
            continue
        signers = ", ".join(one.chain.signers)
        yield f"Verified: the chain {one.chain.chain} recorded it by {moment(one.chain.time_ms)}"
        yield from facts(block=one.chain.height, certified_by=signers)


def evidence_module(name: str) -> Any:
    """Import a module of the service.

    Raises:
        Unsupported: The packages that it needs are not installed.
    """
    from importlib import import_module  # noqa: PLC0415

    try:
        return import_module(f"trine.services.evidence.{name}")
    except ImportError as error:
        message = f"statements need {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None


def _digest(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").digest()
    except OSError as error:
        raise unreadable(file, error) from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be written: {error.strerror}") from None


def _text(key: SecretKey) -> str:
    return f"{key.algorithm}:{key.public_key.hex()}"


def _read_key(text: str) -> PublicKey:
    algorithm, _, digits = text.partition(":")
    try:
        return PublicKey(algorithm, bytes.fromhex(digits))
    except ValueError:
        raise BadArgument(f"--issuer-key is {text!r:.100}, expected ALGORITHM:HEX") from None


def _post(http: httpx.Client, service: str, data: bytes) -> bytes:
    """Register, and wait for the receipt where it takes longer."""
    headers = {"content-type": "application/cose", "accept": "application/json"}
    deadline = time.monotonic() + TIMEOUT_S
    answer = _send(http, "POST", f"{service}/entries", content=data, headers=headers)
    while answer.status_code in (302, 303):
        place = _place(answer, service)
        if time.monotonic() > deadline:
            raise BadAnswer(f"{service} took it, and has no receipt yet: ask for {place} later")
        time.sleep(RETRY_S)
        answer = _send(http, "GET", str(place), headers={"accept": "application/json"})
    return _checked(answer, service)


def _place(answer: httpx.Response, service: str) -> httpx.URL:
    """Read where the receipt will be; it is at the service itself."""
    try:
        place = answer.url.join(answer.headers["location"])
    except (KeyError, httpx.InvalidURL):
        message = f"{service} answered {answer.status_code} and does not say where the receipt is"
        raise BadAnswer(message, instance=service) from None
    if (place.scheme, place.netloc) != (answer.url.scheme, answer.url.netloc):
        message = f"{service} sends us to another host, {place!s:.200}: it is not asked"
        raise BadAnswer(message, instance=service)
    return place


def get(
    http: httpx.Client, service: str, path: str, query: Mapping[str, str] | None = None
) -> bytes:
    """Ask a service.

    Raises:
        CannotReachNode: Nothing answers.
        BadAnswer: The answer is an error of no known code, or too large.
        TrineError: What the service says.
    """
    headers = {"accept": "application/json"}
    answer = _send(http, "GET", service.rstrip("/") + path, params=query, headers=headers)
    return _checked(answer, service)


def _send(http: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    """Send a request; of the answer no more is read than it may have."""
    body = bytearray()
    try:
        with http.stream(method, url, **options) as answer:
            for part in answer.iter_bytes():
                body += part
                if len(body) > ANSWER_BYTES_MAX:
                    raise BadAnswer(f"{url} answered over {ANSWER_BYTES_MAX} bytes", instance=url)
    except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
        raise CannotReachNode(f"{url}: {error or type(error).__name__}", instance=url) from None
    # The body is decoded already.
    headers = {name: one for name, one in answer.headers.items() if name != "content-encoding"}
    status, content = answer.status_code, bytes(body)
    return httpx.Response(status, headers=headers, content=content, request=answer.request)


def _checked(answer: httpx.Response, service: str) -> bytes:
    if answer.is_success:
        return answer.content
    try:
        problem = answer.json()
        raise error_of(str(problem["code"]), str(problem["detail"]), instance=service)
    except (ValueError, KeyError, TypeError, RecursionError):
        message = f"{service} answered {answer.status_code}, not what was asked"
        raise BadAnswer(message, instance=service) from None
