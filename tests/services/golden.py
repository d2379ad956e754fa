"""Make the golden files of evidence, which the verifiers in Python and JavaScript both judge.

Run as `python -m tests.services.golden` to write `vectors/` again. Everything follows from fixed
keys. `cases.json` has one object for each case:

- `form`: `transparent` (a statement with receipts), `statement`, `receipt`, `certificate`, whose
  receipt is judged and whose page is not, or `signed_certificate`, that of a statement, or
  `origin_certificate`, that proves by whom, likewise;
- `data`: the file, compressed with zlib, in base64; or `file`, a name in `vectors/`;
- `flips_apart`, `lengths_apart`: the file is judged with every so manieth bit flipped, or cut at
  every so manieth byte, instead of as it is;
- what it is checked with: names of files in `vectors/`, keys as `ALGORITHM:HEX`, a time;
- `code`: `verified`; `unchained` where a receipt's chain was not checked; or the code of the
  refusal. Of several files: the codes in order, those that repeat once with `*` and how often.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import cbor2

from tests.services import certificates, hostile, issued, origins
from tests.services import test_hostile_statements as statements
from tests.services import test_receipt as receipts
from trine.client.verification import Trust, hash_files, verify_digest
from trine.crypto import SecretKey, hash_many
from trine.crypto.x509 import read_certificates
from trine.errors import TrineError
from trine.services.evidence import (
    certificate,
    checking,
    cose,
    keys,
    receipt,
    statement,
    tiles,
    tree,
)
from trine.services.evidence.certificate.document import read_parts
from trine.services.evidence.certificate.signed import prove_statement
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

FOLDER: Final = Path(__file__).parent / "vectors"
NOW_S: Final = 1_700_000_000
"""Time of the golden files: before every clock on which the page is tested."""
ISSUER: Final = "https://city.example"
CONTENT: Final = b"Measured on 3 May: 7.2 mg/l\n"
LOG: Final = 5
FLIPS_APART: Final = {"ed25519": 7, "p256": 61, "sm2": 211}
"""Bits between two flips, prime to 8; the other verifier is slow on these curves."""
VECTORS: Final = "../../proofs/vectors"
"""The golden files of receipts, from `FOLDER`."""

SUITES: Final[dict[str, tuple[HashFunction, str, tuple[str, ...]]]] = {
    "intl": ("sha256", "ed25519", ("ed25519", "p256")),
    "gm": ("sm3", "sm2", ("sm2",)),
}
"""Hash function, algorithm of validators and service, algorithms of issuers."""


def key_of(algorithm: str, number: int) -> SecretKey:
    """Return a fixed key."""
    return SecretKey(algorithm, bytes([0, *[number] * 31]))


def text_of(key: SecretKey) -> str:
    """Write a public key as people do."""
    return f"{key.algorithm}:{key.public_key.hex()}"


STANDARD_KEY: Final = key_of("p256", 9)
"""Key of standard receipts."""


class Chain:
    """A chain of one suite with four validators, made up as far as a proof shows it."""

    def __init__(self, suite: str, first: int = 1) -> None:
        """Take the suite's function and fixed keys, those of the validators from `first` on."""
        self.suite = suite
        self.function, algorithm, _ = SUITES[suite]
        self.id = bytes([0xC4] * 32)
        signers = [key_of(algorithm, number) for number in range(first, first + 4)]
        self.signers = sorted(signers, key=lambda key: key.public_key)
        self.service = key_of(algorithm, 9)

    def hash(self, data: bytes) -> bytes:
        """Hash with the suite's function."""
        return hash_many(self.function, [data])[0]

    def tagged(self, tag: str, data: bytes) -> bytes:
        """Hash under a tag (docs/reference/wire.md, section 2)."""
        return self.hash(bytes([len(tag)]) + tag.encode() + data)

    def trust(self) -> bytes:
        """Write the trust file."""
        members = [
            {
                "name": f"n{number}",
                "organisation": number,
                "algorithm": key.algorithm,
                "key": key.public_key.hex(),
            }
            for number, key in enumerate(self.signers)
        ]
        document = {
            "format": "trine-trust-v1",
            "chain": "made-up",
            "chain_id": self.id.hex(),
            "suite": self.suite,
            "epoch": 0,
            "validators": members,
        }
        return (json.dumps(document, indent=2) + "\n").encode()

    def proof(self, entry: bytes, index: int, leaves: list[Digest], root: bytes) -> bytes:
        """Prove an entry of a log (docs/reference/proofs.md, section 6, kind 6)."""
        path = b"".join(path_of(self.function, index, leaves))
        leaf = LOG.to_bytes(4) + len(leaves).to_bytes(8) + root
        sibling = self.hash(b"\x00another log")
        evidence_root = self.hash(b"\x01" + self.hash(b"\x00" + leaf) + sibling)
        fact = {0: entry, 1: LOG, 2: index, 3: len(leaves), 4: path, 5: b"\x01" + sibling}
        header = self.header(evidence_root)
        chain = {0: [header], 1: self.certificate(header)}
        body = cbor2.dumps({0: 6, 1: fact, 2: chain, 3: []}, canonical=True)
        seal = self.tagged("trine/proof-file", body)
        return cbor2.dumps({0: "trine-proof", 1: 1, 2: body, 3: seal}, canonical=True)

    def header(self, evidence_root: bytes) -> bytes:
        """Write a header of height 7 (docs/reference/wire.md, section 8); the rest is zero."""
        numbers = (7).to_bytes(8) + bytes(8 + 16 + 34)
        time_ms = (1_000 * NOW_S + 60_000).to_bytes(8)
        rest = bytes(2 * 80 + 8 + 1 + 2)
        return b"\x01" + self.id + numbers + bytes(32) + time_ms + bytes(64) + evidence_root + rest

    def certificate(self, header: bytes) -> dict[int, object]:
        """Certify a header by three of the four (docs/reference/proofs.md, section 4)."""
        digest = self.tagged("trine/header", header)
        namespace = b"trine/consensus/" + self.id + b"_FINALIZE"
        signed = b"\x00\x03\x02" + digest
        signing = self.signers[:3]
        signatures = b"".join(key.sign(namespace, signed)[:64] for key in signing)
        return {0: 0, 1: 3, 2: 2, 3: digest, 4: b"\x07", 5: signatures}

    def transparent(self, made: bytes, *, index: int, proof: bytes | None = None) -> bytes:
        """Add the receipt of a log of three entries to a statement.

        Args:
            made: The statement.
            index: Its place in the log.
            proof: What stands for the chain's proof; empty for none, by default the right one.
        """
        entry = statement.entry_of(made, self.function)
        entries = [Digest(self.hash(bytes([number]))) for number in range(3)]
        entries[index] = entry
        leaves = tree.leaf_hashes(self.function, entries)
        head = receipt.TreeHead(
            self.function, 3, tree.Frontier(self.function).extend(leaves).root()
        )
        signed = receipt.sign_head(
            head,
            key=self.service,
            issuer="https://log.example",
            subject="city/statements",
            issued_at_s=NOW_S + 90,
        )
        own = self.proof(entry, index, leaves, head.root)
        found = receipt.receipt_for(
            signed,
            index,
            path_of(self.function, index, leaves),
            chain_proof=(own if proof is None else proof) or None,
        )
        return statement.with_receipts(made, [found])

    def standard(self, made: bytes, function: HashFunction | None = None) -> bytes:
        """Add the receipt of a SHA-256 log of three entries to a statement.

        Args:
            made: The statement.
            function: What the receipt says of its entries; by default what they are.
        """
        entries = [Digest(self.hash(bytes([number]))) for number in range(3)]
        entries[1] = statement.entry_of(made, self.function)
        leaves = tree.leaf_hashes("sha256", entries)
        signed = receipt.sign_head(
            receipt.TreeHead("sha256", 3, tree.Frontier("sha256").extend(leaves).root()),
            key=STANDARD_KEY,
            issuer="https://log.example",
            subject="city/statements#sha256",
            issued_at_s=NOW_S + 90,
            entry_function=function or self.function,
        )
        found = receipt.receipt_for(signed, 1, path_of("sha256", 1, leaves))
        return statement.with_receipts(made, [found])


def path_of(function: HashFunction, index: int, leaves: list[Digest]) -> list[bytes]:
    """Path of a leaf."""
    reader = tiles.FromMapping(tiles.append(function, tiles.FromMapping({}), 0, leaves))
    return tiles.View(function, reader, len(leaves)).inclusion_path(index)


def signed_statement(key: SecretKey, *, embedded: bool = False) -> bytes:
    """Sign a statement about `CONTENT`."""
    return statement.sign_statement(
        CONTENT if embedded else hashlib.sha256(CONTENT).digest(),
        key=key,
        issuer=ISSUER,
        subject="report.txt",
        content_type="text/plain",
        issued_at_s=NOW_S,
        payload_hash=None if embedded else -16,
    )


def files() -> dict[str, bytes]:
    """Make every golden file, by its name."""
    made = {"report.txt": CONTENT, "certificate.pdf": certificates.made("en")}
    for suite, (_, _, algorithms) in SUITES.items():
        chain = Chain(suite)
        made[f"{suite}-trust.json"] = chain.trust()
        made[f"{suite}-other-trust.json"] = Chain(suite, 11).trust()
        made[f"{suite}-keys.cbor"] = keys.cose_key_set([cose.public_key(chain.service)])
        both = [cose.public_key(chain.service), cose.public_key(STANDARD_KEY)]
        made[f"{suite}-both-keys.cbor"] = keys.cose_key_set(both)
        for algorithm in algorithms:
            data = signed_statement(key_of(algorithm, 8), embedded=algorithm == "p256")
            made[f"{algorithm}.transparent"] = chain.transparent(data, index=1)
            made[f"{algorithm}.statement"] = data
    for family in issued.FAMILIES:
        made |= family.roots()
        made[f"{family.name}.chained"] = chained(family, family.certified())
    for suite in SUITES:
        made[f"origin-{suite}.pdf"] = origins.certificate_of(suite)
    return made | _signed_certificates(made)


def _signed_certificates(made: dict[str, bytes]) -> dict[str, bytes]:
    """Make certificates of statements: of each algorithm, and of an issuer known by a root."""
    found = {}
    for suite, (_, _, algorithms) in SUITES.items():
        trust, service = Trust.load(made[f"{suite}-trust.json"]), Chain(suite).service
        for algorithm in algorithms:
            key = cose.public_key(key_of(algorithm, 8))
            known = certificate.Known(key, (), (cose.public_key(service),))
            data = made[f"{algorithm}.transparent"]
            found[f"signed-{algorithm}.pdf"] = certificate.write_statement_certificate(
                data, trust, known
            )
    name, suite = issued.FAMILIES[0].name, issued.FAMILIES[0].suite
    roots = tuple(read_certificates(made[f"{name}-roots.pem"]))
    known = certificate.Known(None, roots, (cose.public_key(Chain(suite).service),))
    trust = Trust.load(made[f"{suite}-trust.json"])
    data = made[f"{name}.chained"]
    found["signed-root.pdf"] = certificate.write_statement_certificate(data, trust, known)
    return found


def chained(
    family: issued.Family,
    certified: list[bytes],
    *,
    key: SecretKey | None = None,
    proof: bytes | None = None,
) -> bytes:
    """Make a transparent statement that brings certificates; `proof` as `Chain.transparent`."""
    data = statement.sign_statement(
        hashlib.sha256(CONTENT).digest(),
        key=key or family.key,
        issuer=issued.ISSUER,
        subject="report.txt",
        content_type="text/plain",
        issued_at_s=NOW_S,
        payload_hash=-16,
        certificates=certified,
    )
    return Chain(family.suite).transparent(data, index=1, proof=proof)


def case(name: str, form: str, file: bytes | str, **checks: Any) -> dict[str, Any]:
    """Write a case without its verdict; the file by its name, or its bytes."""
    key, held = "file", file
    if isinstance(file, bytes):
        key, held = "data", base64.b64encode(zlib.compress(file, 9)).decode()
    return {"name": name, "form": form, **checks, key: held, "code": ""}


def files_of(one: dict[str, Any]) -> Iterator[bytes]:
    """Yield the files that a case is about."""
    if "file" in one:
        data = (FOLDER / one["file"]).read_bytes()
    else:
        data = zlib.decompress(base64.b64decode(one["data"]))
    if "flips_apart" in one:
        for bit in range(0, 8 * len(data), one["flips_apart"]):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            yield bytes(changed)
    elif "lengths_apart" in one:
        yield from (data[:length] for length in range(0, len(data), one["lengths_apart"]))
    else:
        yield data


def cases(made: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """Make all cases, without their verdicts."""
    yield from _hostile()
    for suite, (_, _, algorithms) in SUITES.items():
        for algorithm in algorithms:
            yield from _transparent(made, suite, algorithm)
    for family in issued.FAMILIES:
        yield from _issuers(made, family)
    yield from _certificates(made)
    for kind in ("ed25519", "p256", "sm2", "root"):
        yield from _signed(made, kind)
    for suite in SUITES:
        yield from _origins(made, suite)


def _issuers(made: dict[str, bytes], family: issued.Family) -> Iterator[dict[str, Any]]:
    """Statements whose issuer is known by certificates."""
    name, suite = family.name, family.suite
    right: dict[str, Any] = {
        "content": "report.txt",
        "issuer_key": None,
        "issuer_roots": f"{name}-roots.pem",
        "keys": f"{suite}-keys.cbor",
        "trust": f"{suite}-trust.json",
        "now_s": NOW_S + 3_600,
    }

    def one(what: str, changed: bytes | str = f"{name}.chained", **checks: Any) -> dict[str, Any]:
        return case(f"{name} issuer: {what}", "transparent", changed, **{**right, **checks})

    yield one("right")
    for roots in ("both", "middle", "other", "foreign", "short"):
        yield one(f"{roots} roots", issuer_roots=f"{name}-{roots}-roots.pem")
    yield one("years later", now_s=NOW_S + 3_600 * issued.DAY_S)
    yield one("no trust file", trust=None)
    late: dict[str, Any] = {"now_s": NOW_S + 3_600 * issued.DAY_S, "trust": None}
    yield one("years later, by the receipt alone", **late)
    yield one("key and roots", issuer_key=text_of(family.key))
    yield one("by the key", issuer_key=text_of(family.key), issuer_roots=None)
    algorithm = family.kinds[0]
    yield one("brings none", f"{algorithm}.transparent")
    for what, variant in issued.variants(family):
        yield one(what, chained(family, variant.certificates, key=variant.key))


def _hostile() -> Iterator[dict[str, Any]]:
    """What the tests of statements and receipts refuse and allow."""
    checks: dict[str, Any] = {"now_s": hostile.NOW_S, "issuer_key": text_of(hostile.KEY)}
    for name, make in statements.HOSTILE.items():
        yield case(f"hostile statement: {name}", "statement", make()[0], **checks)
    for name, allowed in statements.ALLOWED.items():
        yield case(f"allowed statement: {name}", "statement", allowed(), **checks)
    known: dict[str, Any] = {"service_key": text_of(hostile.KEY), "entry": receipts.entry(0).hex()}
    for name, (crafted, _) in receipts.HOSTILE.items():
        yield case(f"hostile receipt: {name}", "receipt", crafted(), **known)
    other = cbor2.dumps([2, 1, receipts.PATH])
    yield case("allowed receipt", "receipt", receipts.crafted(), **known)
    proofs = {-1: [other, receipts.PROOF]}
    large = {-1: [cbor2.dumps([2**62 + 1, 2**62, receipts.PATH])]}
    yield case("log of too many leaves", "receipt", receipts.crafted(proofs=large), **known)
    yield case("second proof holds", "receipt", receipts.crafted(proofs=proofs), **known)


def _transparent(made: dict[str, bytes], suite: str, algorithm: str) -> Iterator[dict[str, Any]]:
    """Transparent statements, right, with wrong inputs, and altered."""
    chain, issuer = Chain(suite), key_of(algorithm, 8)
    file, plain = f"{algorithm}.transparent", made[f"{algorithm}.statement"]
    data = made[file]
    right: dict[str, Any] = {
        "content": "report.txt",
        "issuer_key": text_of(issuer),
        "keys": f"{suite}-keys.cbor",
        "trust": f"{suite}-trust.json",
        "now_s": NOW_S,
    }
    other_suite = "gm" if suite == "intl" else "intl"

    def one(name: str, changed: bytes | str = file, **checks: Any) -> dict[str, Any]:
        return case(f"{algorithm}: {name}", "transparent", changed, **{**right, **checks})

    yield one("right")
    yield one("no trust", trust=None)
    yield one("no content", content=None)
    yield one("other content", content=f"{suite}-trust.json")
    yield one("other issuer", issuer_key=text_of(key_of(algorithm, 7)))
    yield one("key of another algorithm", issuer_key=text_of(key_of("secp256k1", 7)))
    yield one("keys of another service", keys=f"{other_suite}-keys.cbor")
    yield one("trust in another suite", trust=f"{other_suite}-trust.json")
    yield one("trust in another chain", trust=f"{VECTORS}/trust.json")
    yield one("trust in other validators", trust=f"{suite}-other-trust.json")
    yield one("too early", now_s=NOW_S - 301)
    yield one("no receipt", f"{algorithm}.statement")
    yield one("no chain's proof", chain.transparent(plain, index=0, proof=b""))
    yield one("chain's proof is none", chain.transparent(plain, index=0, proof=b"proof"))
    entries = [Digest(bytes([number] * 32)) for number in range(3)]
    leaves = tree.leaf_hashes(chain.function, entries)
    root = tree.Frontier(chain.function).extend(leaves).root()
    foreign = chain.proof(entries[1], 1, leaves, root)
    yield one("chain's proof of another", chain.transparent(plain, index=0, proof=foreign))
    yield one("last leaf", chain.transparent(plain, index=2))
    yield one("two receipts", statement.with_receipts(data, statement.receipts_of(data)))
    stranger = chain.transparent(signed_statement(key_of(algorithm, 7)), index=1)
    yield one("receipt of another", statement.with_receipts(plain, statement.receipts_of(stranger)))
    both = {"keys": f"{suite}-both-keys.cbor"}
    yield one("standard receipt", chain.standard(plain), **both)
    yield one("standard receipt of an unknown key", chain.standard(plain))
    if suite == "gm":
        yield one("standard receipt of other entries", chain.standard(plain, "sha256"), **both)
    if algorithm == "p256":
        turned = with_high_s(plain)
        yield one("high s", chain.transparent(turned, index=1))
        yield one("receipt of the other s", data[:-64] + turned[-64:])
    yield one("bits", flips_apart=FLIPS_APART[algorithm])
    yield one("lengths", lengths_apart=37)


def with_high_s(plain: bytes) -> bytes:
    """Turn `s` of the issuer's signature around, which makes another entry of the same content."""
    order = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
    return plain[:-32] + (order - int.from_bytes(plain[-32:])).to_bytes(32)


def _certificates(made: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """Certificates, whose receipts alone are judged."""
    right = {"content": f"{VECTORS}/vector.txt", "trust": f"{VECTORS}/trust.json"}
    content = made["certificate.pdf"]
    start = content.index(b"stream\n") + 7
    # What is not looked at is left out, so that the cases stay small.
    short = content[: start + len(certificate.read_certificate(content))]

    def one(name: str, changed: bytes | str = short, **checks: Any) -> dict[str, Any]:
        return case(f"certificate: {name}", "certificate", changed, **{**right, **checks})

    yield one("right", "certificate.pdf")
    yield one("other content", content="report.txt")
    yield one("trust in another chain", trust="intl-trust.json")
    yield one("another page", short + b"another page")
    yield one("other form", short.replace(b"certificate 1 en", b"certificate 9 en", 1))
    yield one("other language", short.replace(b"certificate 1 en", b"certificate 1 fr", 1))
    yield one("in Chinese", short.replace(b"certificate 1 en", b"certificate 1 zh", 1))
    yield one("another PDF", b"%PDF-1.7\n" + short)
    yield one("no PDF", CONTENT)
    yield one("empty", b"")
    length = short.index(b" >>\nstream")
    yield one("giant receipt", short[:length] + b"00000" + short[length:])
    yield one("longer receipt", short[:length] + b"0" + short[length:])
    yield one("bits", flips_apart=11)
    yield one("lengths", lengths_apart=13)


def _signed(made: dict[str, bytes], kind: str) -> Iterator[dict[str, Any]]:
    """Certificates of statements: statement and keys are judged, and the page is not."""
    suite = "gm" if kind == "sm2" else "intl"
    right = {"content": "report.txt", "trust": f"{suite}-trust.json"}
    whole = made[f"signed-{kind}.pdf"]
    short = whole[: whole.index(b"4 0 obj\n")]

    def one(name: str, changed: bytes | str = short, **checks: Any) -> dict[str, Any]:
        name = f"signed certificate, {kind}: {name}"
        return case(name, "signed_certificate", changed, **{**right, **checks})

    yield one("right", f"signed-{kind}.pdf")
    yield one("another page", short + b"another page")
    yield one("other content", content="gm-keys.cbor")
    yield one("trust in another chain", trust=f"{suite}-other-trust.json")
    yield one("other form", short.replace(b"certificate 2 en", b"certificate 1 en", 1))
    yield one("other language", short.replace(b"certificate 2 en", b"certificate 2 fr", 1))
    yield one("without its keys", short[: short.index(b"2 0 obj\n")])
    yield one("of a file", "certificate.pdf")
    if kind != "root":  # there the verifiers refuse in another order, and each has tests of its own
        yield one("bits", flips_apart=5 * FLIPS_APART[kind])
    yield one("lengths", lengths_apart=37)


def _origins(made: dict[str, bytes], suite: str) -> Iterator[dict[str, Any]]:
    """Certificates that prove by whom: all four proofs are judged, and the page is not."""
    right = {"content": f"origin/{suite}/report.txt", "trust": f"origin/{suite}/trust.json"}
    whole = made[f"origin-{suite}.pdf"]
    short = whole[: whole.index(b"5 0 obj\n")]
    places = [short.index(b"%d 0 obj\n" % number) for number in (1, 2, 3, 4)] + [len(short)]
    first, sent, account, record = (short[start + 7 : stop] for start, stop in pairwise(places))

    def turned(*parts: bytes) -> bytes:
        objects = (b"%d 0 obj" % number + part for number, part in enumerate(parts, 1))
        return short[: places[0]] + b"".join(objects)

    def one(name: str, changed: bytes | str = short, **checks: Any) -> dict[str, Any]:
        name = f"certificate by whom, {suite}: {name}"
        return case(name, "origin_certificate", changed, **{**right, **checks})

    yield one("right", f"origin-{suite}.pdf")
    yield one("other content", content="gm-keys.cbor")
    yield one("trust in another chain", trust=f"{suite}-trust.json")
    yield one("without the last proof", short[: places[3]])
    yield one("account twice", turned(first, sent, account, account))
    yield one("account and record turned", turned(first, sent, record, account))
    yield one("transaction twice", turned(first, sent, sent, record))
    yield one("receipt's proofs turned", turned(first, account, sent, record))
    yield one("bits", flips_apart={"intl": 53, "gm": 311}[suite])
    yield one("lengths", lengths_apart=41)


def judge(one: dict[str, Any]) -> str:
    """Return the verdicts of the verifier in Python."""
    codes = []
    for data in files_of(one):
        try:
            codes.append(_judge(one, data))
        except TrineError as error:
            codes.append(error.code)
    runs = ((code, len(list(run))) for code, run in groupby(codes))
    return " ".join(code if count == 1 else f"{code}*{count}" for code, count in runs)


def _key(text: str) -> PublicKey:
    algorithm, _, digits = text.partition(":")
    return PublicKey(algorithm, bytes.fromhex(digits))


def _judge(one: dict[str, Any], data: bytes) -> str:
    match one["form"]:
        case "statement":
            read = statement.read_statement(data, now_s=one["now_s"])
            statement.verify_statement(read, _key(one["issuer_key"]))
        case "receipt":
            entry = Digest.fromhex(one["entry"])
            receipt.verify_inclusion(receipt.read_receipt(data), entry, _key(one["service_key"]))
        case "certificate":
            found = certificate.read_certificate(data)
            trust = Trust.load(FOLDER / one["trust"])
            content = (FOLDER / one["content"]).read_bytes()
            digest = Digest(hash_many("sha256", [content])[0])
            verify_digest(digest, len(content), found, trust)
        case "origin_certificate":
            believed, about = Trust.load(FOLDER / one["trust"]), FOLDER / one["content"]
            inside = read_parts(data)
            ((own, size),) = hash_files(believed.suite, [about])
            shown = verify_digest(own, size, inside.receipt, believed)
            certificate.prove_origin(inside.by_whom, shown, believed)
        case "signed_certificate":
            parts = certificate.read_statement_certificate(data)
            proven = prove_statement(parts.data, Trust.load(FOLDER / one["trust"]), parts.known)
            checking.check_content(proven.checked.statement, FOLDER / one["content"])
        case _:
            key, roots = one["issuer_key"], one.get("issuer_roots")
            trusted = read_certificates((FOLDER / roots).read_bytes()) if roots else ()
            checked = checking.check(
                data,
                issuer_key=None if key is None else _key(key),
                issuer_roots=trusted,
                service_keys=checking.read_key_set((FOLDER / one["keys"]).read_bytes()),
                trust=None if one["trust"] is None else Trust.load(FOLDER / one["trust"]),
                now_s=one["now_s"],
            )
            if one["content"] is not None:
                checking.check_content(checked.statement, FOLDER / one["content"])
            if any(shown.chain is None for shown in checked.receipts):
                return "unchained"
    return "verified"


def write() -> None:
    """Write all files, and the verdict of each case."""
    FOLDER.mkdir(exist_ok=True)
    made = files()
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)
    judged = [{**one, "code": judge(one)} for one in cases(made)]
    lines = ",\n".join(json.dumps(one) for one in judged)
    (FOLDER / "cases.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    write()
