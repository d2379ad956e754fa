# fmt: off
"""Check a court pack alone: no network, no Trine, only Python 3.11 and the package `cryptography`.

    pip install cryptography              (for a chain with SM2 also: pip install gmalg)
    python verify.py case.zip --trust trust.json --roots tsa-root.pem

A pack can forge all but mathematics: bring your own (see --help), or compare what `compare` prints.
"""
import argparse
import io
import json
import zipfile
from base64 import b64decode
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace as Facts
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

SUITES = {"intl": ("sha256", "ed25519", "p256"), "gm": ("sm3", "sm2")}  # hash, validators' keys
KEYS = {"ed25519": (1, 32), "sm2": (2, 33), "p256": (3, 33)}  # number of the algorithm, bytes
HASHES: Any = {one.name: one() for one in (hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SM3)}
def need(holds: object, otherwise: str) -> None:  # go on only where something holds
    if not holds:
        raise ValueError(otherwise)
def moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
# --- 1. Hashes and signatures ---------------------------------------------------------------------
def digest(name: str, *parts: bytes) -> bytes:  # often begins with a length and a tag (wire.md, 2)
    state = hashes.Hash(HASHES[name])
    state.update(b"".join(parts))
    return state.finalize()
def verifies(key: Any, name: str, message: bytes, signature: bytes, pss: bool = False) -> bool:
    how: Any = [] if isinstance(key, ed25519.Ed25519PublicKey) else [ec.ECDSA(HASHES[name])]
    if isinstance(key, rsa.RSAPublicKey):
        need(key.key_size >= 2048, "a key of RSA that is too short")
        salted = padding.PSS(padding.MGF1(HASHES[name]), padding.PSS.AUTO)
        how = [salted if pss else padding.PKCS1v15(), HASHES[name]]
    with suppress(InvalidSignature):
        return key.verify(signature, message, *how) is None
    return False
def signed(algorithm: str, key: bytes, message: bytes, signature: bytes) -> bool:
    need(len(signature) == 64, "a signature of another length")  # Ed25519, or r and s
    if algorithm == "sm2":  # SM2 with SM3 (GB/T 32918.2) and the identifier that all use
        import gmalg  # noqa: PLC0415 - only chains of the suite gm need it
        sm2 = gmalg.SM2(uid=b"1234567812345678", pk=key)
        return bool(sm2.verify_pk(key) and sm2.verify(message, signature[:32], signature[32:]))
    if algorithm == "ed25519":
        return verifies(ed25519.Ed25519PublicKey.from_public_bytes(key), "", message, signature)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    both = map(int.from_bytes, (signature[:32], signature[32:]))
    return verifies(point, "sha256", message, utils.encode_dss_signature(*both))
# --- 2. CBOR (RFC 8949): definite lengths, numbers in their shortest form, no key twice -----------
class Reader(io.BytesIO):
    def take(self, count: int) -> bytes:
        found = self.read(count)
        need(len(found) == count, "it ends early")
        return found
    def number(self, count: int) -> int:  # unsigned, of so many bytes
        return int.from_bytes(self.take(count))
    def item(self, depth: int = 0) -> Any:
        major, value = divmod(self.number(1), 32)
        if (major, value) == (7, 22):
            return None
        if value > 23:
            need(value < 28, "a length that is not definite")
            least = (24, 1 << 8, 1 << 16, 1 << 32)[value - 24]
            value = self.number(1 << value - 24)
            need(value >= least, "a number that is not in its shortest form")
        if major < 2:
            return value if major == 0 else -1 - value
        if major < 4:
            return self.take(value) if major == 2 else self.take(value).decode()
        need(depth < 8 and major < 6, "nested too deep, or of a kind that is not read here")
        if major == 4:
            return [self.item(depth + 1) for _ in range(value)]
        pairs = [(self.item(depth + 1), self.item(depth + 1)) for _ in range(value)]
        need(len(dict(pairs)) == value and None not in dict(pairs), "a key twice, or null as one")
        return dict(pairs)
def decode(data: bytes) -> Any:  # one value, and nothing behind it
    reader = Reader(data)
    found = reader.item()
    need(reader.tell() == len(data), "bytes follow the end")
    return found
def fields(found: dict[int, Any], count: int) -> list[Any]:  # proofs.md, 2: negative keys may be
    need(all(key < count for key in found), "a field that is not known")
    return [found[key] for key in range(count)]
# --- 3. Trust file, headers, certificates of validators (proofs.md, sections 4 and 5) -------------
def read_trust(data: bytes, roots: Any = ()) -> Facts:  # roots: certificates, for issuers
    found = json.loads(data)
    need(found["format"] == "trine-trust-v1", "not a trust file")
    (name, *usual), members = SUITES[found["suite"]], []
    for one in found["validators"]:  # ordered by their keys: 34 bytes, the algorithm in front
        algorithm, key = one.get("algorithm") or usual[0], bytes.fromhex(one["key"])
        need(algorithm in usual and len(key) == KEYS[algorithm][1], "a key of another suite")
        members.append((bytes([KEYS[algorithm][0]]) + key.ljust(33, b"\0"), str(one["name"])))
    need(0 < len(dict(members)) == len(members) <= 100, "no validators, or one twice")
    return Facts(chain_id=bytes.fromhex(found["chain_id"]), epoch=int(found["epoch"]), hash=name,
                 usual=usual, members=sorted(members), roots=roots,
                 said=f"chain {found['chain']} {found['chain_id']}, {len(members)} validators")
def read_header(raw: bytes) -> Facts:  # of a block; the parts that are needed (wire.md, section 8)
    need(len(raw) > 403 and raw[0] == 1, "a header of another version")
    height, epoch, time_ms = (int.from_bytes(raw[at : at + 8]) for at in (33, 41, 131))
    reader, change = Reader(raw[404:]), None
    if raw[403]:  # the last block of an epoch names the validators of the next
        change = Facts(epoch=reader.number(8), members=[])
        for _ in range(reader.number(2)):  # of each its key, organisation, name and address
            key, _, name, _ = (reader.take(size or reader.number(1)) for size in (34, 4, 0, 0))
            change.members.append((key, name.decode()))
    return Facts(raw=raw, chain_id=raw[1:33], height=height, epoch=epoch, parent=raw[99:131],
                 time_ms=time_ms, evidence_root=raw[203:235], change=change)
def varint(number: int) -> bytes:  # seven bits a byte, the least first (LEB128)
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)
def check_chain(chain: Any, trust: Facts, members: Any) -> Any:  # headers, the last certified
    encoded, certificate = fields(chain, 2)
    headers = [read_header(raw) for raw in encoded]
    need({one.chain_id for one in headers} == {trust.chain_id}, "of another chain")
    digests = [digest(trust.hash, b"\x0ctrine/header", one.raw) for one in headers]
    for one, two, known in zip(headers, headers[1:], digests, strict=False):
        need(two.parent == known and two.height == one.height + 1, "a block that does not follow")
    epoch, view, parent_view, block, signers, signatures = fields(certificate, 6)
    need(block == digests[-1] and epoch == headers[-1].epoch, "the certificate is of another block")
    count, bits = len(members), int.from_bytes(signers, "little")
    chosen = [member for place, member in enumerate(members) if bits >> place & 1]
    need(not bits >> count and len(signatures) == 64 * len(chosen), "signers of another set")
    need(len(chosen) >= count - (count - 1) // 3, f"only {len(chosen)} of {count} signed")
    message = varint(57) + b"trine/consensus/" + trust.chain_id + b"_FINALIZE"
    message += varint(epoch) + varint(view) + varint(parent_view) + block
    for place, (key, name) in enumerate(chosen):
        kind = next(one for one in trust.usual if KEYS[one][0] == key[0])
        good = signed(kind, key[1 : 1 + KEYS[kind][1]], message, signatures[64 * place :][:64])
        need(good, f"the signature of validator {name} does not hold")
    return headers, [name for _, name in chosen]
def check_final(chain: Any, hand_overs: Any, trust: Facts) -> Any:  # from the trusted validators on
    members, since = trust.members, 0
    for one in hand_overs:
        if read_header(fields(one, 2)[0][0]).epoch >= trust.epoch:  # others lead to those trusted
            headers, _ = check_chain(one, trust, members)
            epoch, change = headers[0].epoch, headers[0].change
            need(change and change.epoch - 1 == headers[-1].epoch == epoch >= since, "no hand-over")
            members, since = change.members, change.epoch
    headers, names = check_chain(chain, trust, members)
    need(headers[-1].epoch >= since, "an epoch before that of the validators")
    return headers, names
# --- 4. Entries of a log (RFC 9162; proofs.md, section 6) and receipts (receipt.md) ---------------
def log_root(name: str, entry: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    need(0 <= index < size and [len(one) for one in path[-1:]] == [32] * (size > 1), "another path")
    if size == 1:
        return digest(name, b"\0", entry)
    half, (*rest, last) = 1 << (size - 1).bit_length() - 1, path  # a full tree on the left
    if index < half:
        return digest(name, b"\1", log_root(name, entry, index, half, rest), last)
    return digest(name, b"\1", last, log_root(name, entry, index - half, size - half, rest))
def open_envelope(kind: str, data: bytes, trust: Facts) -> Any:  # proofs.md, section 2
    found, version, body, seal = fields(decode(data), 4)
    need(found == kind and version == 1, f"not a {kind} file of version 1")
    need(seal == digest(trust.hash, b"\x10trine/proof-file", body), "its seal does not fit")
    return decode(body)
def check_proof(proof: Any, trust: Facts) -> Facts:  # an entry is in the log of a certified block
    kind, statement, chain, hand_overs = fields(proof, 4)
    need(kind == 6, "a proof of something else than an entry")
    entry, log, index, size, path, sided = fields(statement, 6)
    head = log_root(trust.hash, entry, index, size, [path[i:i+32] for i in range(0, len(path), 32)])
    node = digest(trust.hash, b"\0", log.to_bytes(4), size.to_bytes(8), head)
    for side, sibling in ((sided[i], sided[i+1:i+33]) for i in range(0, len(sided), 33)):
        node = digest(trust.hash, b"\1", *((node, sibling) if side else (sibling, node)))
    headers, names = check_final(chain, hand_overs, trust)
    need(node == headers[0].evidence_root, "the entry is not in the log that the block commits to")
    said = f"log {log}, entry {index}, in block {headers[0].height} of "
    said += f"{moment(headers[0].time_ms):%Y-%m-%d %H:%M:%S} UTC, certified by {', '.join(names)}"
    return Facts(entry=entry, log=log, index=index, headers=headers, said=said)
def check_receipt(data: bytes, record: bytes, trust: Facts, _: Any) -> Facts:  # receipt.md
    salt, _, size, _, proof = fields(open_envelope("trine-receipt", data, trust), 5)
    entry = digest(trust.hash, b"\x14trine/evidence-entry", salt, digest(trust.hash, record))
    shown = check_proof(decode(proof), trust)
    need(len(record) == size and entry == shown.entry, "the receipt is about another file")
    return shown
# --- 5. Signed statements (RFC 9943) and their receipts (RFC 9942); scitt.md ----------------------
COSE = {-8: "ed25519", -19: "ed25519", -7: "p256", -9: "p256", -65600: "sm2"}
ENVELOPES = {-16: "sha256", -43: "sha384", -44: "sha512"}
CRITICAL = {1, 2, 3, 4, 15, 33, 34, 258, 259, 260, 395, -65601}
def read_message(data: bytes) -> Facts:  # COSE_Sign1 (RFC 9052, 4); `registered`: what a log has
    reader = Reader(data)
    need(reader.take(2) == b"\xd2\x84", "not a COSE_Sign1 message")
    headers, one = decode(reader.item()), reader.tell()
    others, two = reader.item(), reader.tell()
    payload, three, signature = reader.item(), reader.tell(), reader.item()
    need(reader.tell() == len(data) and not headers.keys() & others.keys(), "malformed")
    need(CRITICAL.issuperset(headers.get(2, [])), "a critical header that is not known")
    return Facts(headers=headers, others=others, payload=payload, signature=signature,
                 protected=data[2:one], content=data[two:three],
                 registered=data[:one] + b"\xa0" + data[two:])
def made_with(message: Facts, content: bytes, keys: list[Any]) -> bool:  # RFC 9052, section 4.4
    algorithm = COSE[message.headers[1]]
    whole = b"\x84\x6aSignature1" + message.protected + b"\x40" + content
    return any(signed(algorithm, bytes.fromhex(one["key"]), whole, message.signature)
               for one in keys if one["algorithm"] == algorithm)
def check_statement(data: bytes, record: bytes, trust: Facts, keys: list[Any]) -> Facts:
    said, shown, times = read_message(data), Facts(headers=()), []
    claims, envelope = said.headers[15], said.headers.get(258)
    issuers = [one for one in keys if one["use"] == "issuer" and one["name"] == claims[1]]
    known = made_with(said, said.content, issuers)
    need(known or (trust.roots and 33 in said.headers), f"no known key of {claims[1]} signed it")
    about = record if envelope is None else digest(ENVELOPES[envelope], record)
    need(said.payload == about, "the statement is about another file")
    for each in said.others[394]:
        receipt = read_message(each)
        name, good = {1: "sha256", -65600: "sm3"}[receipt.headers[395]], False
        entry = digest(name, said.registered)
        for size, index, path in map(decode, receipt.others[396][-1]):
            root = b"\x58\x20" + log_root(name, entry, index, size, path)
            good |= (size == receipt.headers.get(-65601, size) and receipt.payload is None
                     and made_with(receipt, root, [one for one in keys if one["use"] == "service"]))
        need(good, "no known key of a service signed a receipt")
        if -65600 in receipt.others:
            shown = check_proof(open_envelope("trine-proof", receipt.others[-65600], trust), trust)
            need(shown.entry == entry, "the chain's proof is about another statement")
            times.append(shown.headers[0].time_ms // 1000)
    need(shown.headers, "no receipt has the chain's proof")
    need(max(claims.get(5, 0), claims.get(6, 0)) - 300 <= times[-1] < claims.get(4, 1e12) + 300,
         "the statement was not in force when it was recorded")
    whose = "" if known else ", by the " + vouched(said, claims[1], trust.roots, min(times))
    shown.said += f"; {claims[1]} signed what is said about {claims[2]}{whose}"
    return shown
# --- 6. Certificates (RFC 5280) in DER; identifiers as they stand there, as digits ----------------
SM2_CURVE, SM2_SM3, PSS = "2a811ccf5501822d", "2a811ccf55018375", "2a864886f70d01010a"
CA, USE, NAMED, *_ = KNOWN = [f"2.5.29.{n}" for n in (19, 15, 17, 14, 18, 31, 32, 35, 37)]
BINDING = {f"2.5.29.{n}" for n in (30, 36, 54)}  # extensions that bind those below: not read here
UNSAID = {CA: Facts(ca=False, path_length=0), USE: Facts(digital_signature=1, key_cert_sign=1)}
def der(data: bytes, *path: int) -> list[Facts]:  # elements one behind the other, or those inside
    found, reader = [], Reader(data)
    while reader.tell() < len(data):
        start, tag, size = reader.tell(), reader.number(1), reader.number(1)
        body = reader.take(reader.number(size - 128) if size > 127 else size)
        found.append(Facts(tag=tag, content=body, text=body.hex(), raw=data[start:reader.tell()]))
    return der(found[path[0]].content, *path[1:]) if path else found
def uses(one: x509.Certificate) -> dict[str, Any]:  # what its extensions say
    said = [(each.oid.dotted_string, each.critical, each.value) for each in one.extensions]
    need(all(name in KNOWN or not (critical or name in BINDING) for name, critical, _ in said),
         f"an extension that is not read here: {one.subject.rfc4514_string()}")
    return UNSAID | {name: value for name, _, value in said}
def holds(by: x509.Certificate, name: str, message: bytes, signature: bytes, pss: bool) -> bool:
    kind, public = der(by.tbs_certificate_bytes, 0, 6)  # subjectPublicKeyInfo
    if SM2_CURVE not in kind.text:
        return verifies(by.public_key(), name, message, signature, pss)
    r, s = (number.to_bytes(32) for number in utils.decode_dss_signature(signature))
    return name == "sm3" and signed("sm2", public.content[1:], message, r + s)
def find_root(path: list[Any], others: Any, roots: Any, at: datetime) -> str:  # RFC 5280, 6
    one, may, who, wrong = path[-1], uses(path[-1]), str(path[-1].subject.rfc4514_string()), ""
    need(one.not_valid_before_utc <= at <= one.not_valid_after_utc, f"{who}: not in force on {at}")
    below, most = sum(each.subject != each.issuer for each in path[1:-1]), may[CA].path_length
    need(len(path) == 1 or (may[CA].ca and may[USE].key_cert_sign and len(path) <= 8
         and (most is None or below <= most)), f"{who} is no issuer here")
    if one in roots and len(path) > 1:
        return who
    how = der(one.tbs_certificate_bytes, 0)[2].text  # the algorithm of its signature
    name = "sm3" if SM2_SM3 in how else getattr(one.signature_hash_algorithm, "name", "sha512")
    for by in (by for by in [*roots, *others] if by.subject == one.issuer and by not in path):
        try:
            good = holds(by, name, one.tbs_certificate_bytes, one.signature, PSS in how)
            need(good, f"the signature in the certificate of {who} does not hold")
            return find_root([*path, by], others, roots, at)
        except ValueError as error:
            wrong = wrong or str(error)
    raise ValueError(wrong or f"no path to a trusted root from {who}")
def vouched(said: Facts, issuer: str, roots: list[Any], at_s: int) -> str:  # x5chain of RFC 9360
    found, algorithm = said.headers[33], COSE[said.headers[1]]
    leaf, *above = map(x509.load_der_x509_certificate, [found] if type(found) is bytes else found)
    may, who = uses(leaf), f"certificate of {leaf.subject.rfc4514_string()}"
    names = may[NAMED].get_values_for_type(x509.UniformResourceIdentifier) if NAMED in may else []
    need(issuer in names, f"the {who} does not name {issuer}")
    need(may[USE].digital_signature and not may[CA].ca, f"the {who} is not for signing")
    key = {"algorithm": algorithm, "key": der(leaf.tbs_certificate_bytes, 0, 6)[1].text[2:]}
    need(made_with(said, said.content, [key]), f"the key in the {who} did not sign it")
    return f"{who}, for whom {find_root([leaf], above, roots, moment(1000 * at_s))} vouches"
# --- 7. Timestamps (RFC 3161, RFC 5652) -----------------------------------------------------------
NAMES = {"608648016503040201": "sha256", "608648016503040202": "sha384",
         "608648016503040203": "sha512", "2a811ccf55018311": "sm3"}
SIGNED_DATA = ("2a864886f70d010702", "2a811ccf550601040202")  # of RFC 5652, of GB/T 35275
TST_INFO, CONTENT_TYPE, MESSAGE_DIGEST = (f"2a864886f70d0109{n}" for n in ("100104", "03", "04"))
STAMPING = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")])
TSA = x509.Extension(STAMPING.oid, True, STAMPING)  # may stamp, and nothing else (RFC 3161, 2.3)
def check_token(token: bytes, roots: list[Any], others: list[Any], shown: list[Facts]) -> Facts:
    kind, wrapped = der(token, 0)
    _, _, about, *more, signers = der(wrapped.content, 0)
    content_type, content = der(about.content)
    _, _, hashed, attributes, how, signature, *_ = der(signers.content, 0)
    name, statement = NAMES[der(hashed.content)[0].text], der(content.content)[0].content
    facts = {der(one.content)[0].text: der(one.content, 1)[0] for one in der(attributes.content)}
    need(kind.text in SIGNED_DATA and content_type.text == facts[CONTENT_TYPE].text == TST_INFO
         and facts[MESSAGE_DIGEST].content == digest(name, statement), "another content was signed")
    others = [*(x509.load_der_x509_certificate(one.raw) for box in more if box.tag == 0xA0
                for one in der(box.content)), *others]
    made = (b"\x31" + attributes.raw[1:], signature.content, PSS in how.text)  # RFC 5652, 5.4
    by: Any = next((one for one in others if TSA in one.extensions and holds(one, name, *made)), 0)
    need(by, "no authority's key made the signature")
    _, _, imprint, _, time, *_ = der(statement, 0)
    text, (kind, value) = time.content.decode(), der(imprint.content)
    at = datetime.fromisoformat(f"{text[:8]}T{text[8:-1]}Z")
    root = find_root([by], others, roots, at)
    stamped = [one.headers[-1] for one in shown  # the headers that the validators certified
               if value.content == digest(NAMES[der(kind.content)[0].text], one.headers[-1].raw)]
    need(stamped, "a timestamp of something else than a certified header")
    need(all(at > moment(one.time_ms - 60_000) for one in stamped), "a time before the block's")
    said = f"{by.subject.rfc4514_string()} states {at:%Y-%m-%d %H:%M:%S} UTC; its root is {root}"
    return Facts(stamped=[one.raw for one in stamped], said=said)
# --- 8. Checkpoints: whole logs (C2SP signed-note, tlog-checkpoint, tlog-cosignature) -------------
def check_note(note: bytes, keys: list[str]) -> list[str]:  # the lines that all these keys signed
    text, _, below = note.decode().partition("\n\n")
    made = [(name, b64decode(own)) for _, name, own in map(str.split, below.splitlines())]
    known: Any = [(*key.split("+", 2)[:2], b64decode(key.split("+", 2)[2])) for key in keys]
    for name, number, (kind, *public) in known:  # 1: the log's, 4: a witness's, who states a time
        own = next((own for who, own in made if (who, own[:4].hex()) == (name, number)), b"")
        time = f"cosignature/v1\ntime {int.from_bytes(own[4:-64])}\n" if kind == 4 else ""
        need((kind, len(own)) in {(1, 68), (4, 76)} and signed("ed25519", bytes(public),
             f"{time}{text}\n".encode(), own[-64:]), f"the signature of {name} does not hold")
    need(any(kind == 1 for _, _, (kind, *_) in known), "the log itself did not sign it")
    return text.split("\n")
def check_checkpoint(name: str, members: Any, trust: Facts, shown: list[Facts]) -> Facts:
    about = json.loads(members[f"{name}.json"])
    origin, size, root, *_ = check_note(members[f"{name}.checkpoint"], about["keys"])
    records = [one for one in shown if f"checkpoints/{one.log}" == name]
    for one in records:
        path = [bytes.fromhex(each) for each in about["inclusion"][str(one.index)]]
        head = log_root(trust.hash, one.entry, one.index, int(size), path)
        need(head == b64decode(root), "the record is not in the log of the checkpoint")
    need(records, "no record is in this log")
    return Facts(keys=about["keys"], said=f"{origin} has the records among its {size} entries")
# --- 9. The pack ----------------------------------------------------------------------------------
def read_manifest(pack: zipfile.ZipFile) -> Any:
    raw, names = pack.read("manifest.json"), pack.namelist()
    found = json.loads(raw)
    plain = raw.replace(found["seal"].encode(), b"")  # the file without the digits of its seal
    need(digest("sha256", plain).hex() == found["seal"], "altered: its seal does not fit")
    need(found["format"] == "trine-court-pack-v1", "not a pack of version 1")
    need(len({*names}) == len(names), "a member stands twice in the ZIP")
    return found
def read_member(pack: zipfile.ZipFile, name: str, manifest: Any) -> bytes:
    content, known = pack.read(name), manifest["members"].get(name)
    need(digest("sha256", content).hex() == known, "altered, or not in the manifest")
    return content
def main() -> int:
    parser = argparse.ArgumentParser(description="Check a court pack.")
    parser.add_argument("pack")
    own = {"trust": "trust.json", "keys": "keys/keys.json",
           "roots": "keys/roots.pem", "issuer-roots": "keys/issuer-roots.pem"}
    for option in own:
        parser.add_argument(f"--{option}", dest=option, type=io.FileIO, help="your own")
    parser.add_argument("--without-timestamp", action="store_true", help="do not ask for one")
    given, failures, shown, stamped = vars(parser.parse_args()), [], [], []
    def tell(word: str, text: str) -> Any:  # nothing that a terminal would obey
        print(f"{word:8}" + "".join(one if one.isprintable() else "?" for one in text))
    def step(what: str, check: Any, *inputs: Any) -> Any:
        try:
            found = check(*inputs)
            tell("ok", f"{what}: {getattr(found, 'said', 'as it should be')}")
            return found
        except Exception as error:
            failures.append(what)
            tell("FAILED", f"{what}: {str(error) or type(error).__name__}")
    pack = step("ZIP", zipfile.ZipFile, given["pack"])
    manifest = pack and step("manifest.json", read_manifest, pack)
    if not manifest:
        return tell("", "NOT VERIFIED") or 1
    names = sorted({*manifest["members"], *pack.namelist()} - {"manifest.json"})
    members = {name: step(name, read_member, pack, name, manifest) or b"" for name in names}
    for option, name in own.items():
        if given[option]:
            members[name] = given[option].read()
        elif members.get(name):
            tell("compare", f"the pack's {name}: SHA-256 {digest('sha256', members[name]).hex()}")
    keys, roots, vouching, others = (
        step(name, json.loads if "json" in name else x509.load_pem_x509_certificates, members[name])
        if members.get(name) else [] for name in [*own.values(), "keys/issuers.pem"][1:])
    trust = step("trust", read_trust, members.get("trust.json", b""), vouching)
    for record, proof, _ in manifest["evidence"]:
        check = check_receipt if proof.startswith("receipts/") else check_statement
        found = step(f"{record} by {proof}", check, *map(members.get, (proof, record)), trust, keys)
        shown += [found] if found else []
    for name in (name for name in names if name.startswith("timestamps/")):
        found = step(name, check_token, members[name], roots, others, shown)
        stamped += [*found.stamped] if found else []
    for name in sorted({one.rpartition(".")[0] for one in names if one.startswith("checkpoints/")}):
        found = step(name, check_checkpoint, name, members, trust, shown)
        for key in found.keys if found else ():
            tell("compare", f"the key {key} signed {name}")
    bare = [one.headers[-1].height for one in shown if one.headers[-1].raw not in stamped]
    for height in [] if given["without_timestamp"] else bare:
        step(f"timestamp of block {height}", need, False, "missing: old keys could forge it")
    late = " WITHOUT AN OUTSIDE TIMESTAMP (whoever has old keys could make this)" if bare else ""
    good = shown and not failures
    tell("", f"VERIFIED{late}, if what `compare` shows is genuine" if good else "NOT VERIFIED")
    return 0 if good else 1
if __name__ == "__main__":
    raise SystemExit(main())
