"""Test keys in hardware tokens from Python: places, files, and a token of SoftHSM2."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trine.crypto import Keystore, SecretKey, TokenPlace
from trine.errors import BadArgument, NotAKeystore

PIN = "1234567"
MODULES = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
]
PUBLIC_KEY = SecretKey("p256", bytes([7] * 32)).public_key


def softhsm() -> str:
    """Find SoftHSM2's module; skip without it, fail where CI is set."""
    found = next((path for path in MODULES if Path(path).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        message = "SoftHSM2 is missing: install the package softhsm2"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private token folder with one token, and the file of its PIN."""
    softhsm()
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    words = ["--init-token", "--free", "--label", "desk", "--so-pin", "7654321", "--pin", PIN]
    environment = {**os.environ, "SOFTHSM2_CONF": str(conf)}
    subprocess.run(["softhsm2-util", *words], env=environment, check=True, capture_output=True)
    (tmp_path / "pin").touch(mode=0o600)
    (tmp_path / "pin").write_text(PIN + "\n")
    return tmp_path


def script(folder: Path, text: str) -> str:
    """Run Python in a process of its own: a module keeps state for a whole process."""
    head = (
        "from pathlib import Path\n"
        "from trine import errors\n"
        "from trine.crypto import Keystore, TokenKey, TokenPlace\n"
        f"folder = Path({str(folder)!r})\n"
        "store = Keystore(folder / 'keys')\n"
        f"place = TokenPlace({softhsm()!r}, label='desk', pin_file=str(folder / 'pin'))\n"
    )
    environment = {**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    done = subprocess.run(
        [sys.executable, "-c", head + text],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert PIN not in done.stdout + done.stderr
    return done.stdout


def test_a_key_of_a_token_signs_and_is_named_by_its_file(folder: Path) -> None:
    """Goal: a token's key serves as any other. Method: make, name, open elsewhere, sign."""
    script(
        folder,
        """
for algorithm in ("p256", "ed25519"):
    key = TokenKey.generate(place, algorithm, algorithm)
    store.create_token(algorithm, key)
""",
    )
    for algorithm in ("p256", "ed25519"):
        path = folder / "keys" / f"{algorithm}.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert PIN not in path.read_text()
        printed = script(
            folder,
            f"""
key = store.open_token({algorithm!r})
signature = key.sign(b"space", b"message")
assert key.verify(b"space", b"message", signature)
assert not key.verify(b"space", b"massage", signature)
assert 0 < key.health() < 10_000_000
print(key.public_key.hex(), key.address().hex())
""",
        )
        named = json.loads(path.read_text())
        assert printed.split() == [named["public_key"], named["address"]]


def test_transactions_are_signed_in_the_token(folder: Path) -> None:
    """Goal: the ledger's signature. Method: sign drafts, verify with the core's own rule."""
    printed = script(
        folder,
        """
from trine._core import transactions
from trine.types import AccountFreeze, Address, ChainId, Nonce, TimeMs
from trine.types.transaction import sign_transactions
key = TokenKey.generate(place, "p256", "key")
call = AccountFreeze(Address(bytes(20)))
drafts = [(Nonce(nonce), TimeMs(9), [call]) for nonce in range(3)]
for one in sign_transactions("intl", ChainId(bytes(32)), Address(key.address()), key, drafts):
    print(transactions.verify_signature("intl", one.encoded, key.public_key))
""",
    )
    assert printed.split() == ["True"] * 3


def test_refusals_of_a_token_are_exceptions(folder: Path) -> None:
    """Goal: each refusal is the class of its code. Method: one of each kind."""
    script(
        folder,
        """
def refused(kind, work):
    try:
        work()
    except kind:
        return
    raise AssertionError(kind)

TokenKey.generate(place, "p256", "key")
refused(errors.TokenKeyExists, lambda: TokenKey.generate(place, "p256", "key"))
refused(errors.KeyMissing, lambda: TokenKey.find(place, "nobody"))
refused(errors.MechanismMissing, lambda: TokenKey.generate(place, "secp256k1", "other"))
refused(errors.TokenModule, lambda: TokenPlace("no.so", label="desk", pin_file="pin").open())
other = TokenPlace(place.module, label="nobody", pin_file=place.pin_file)
refused(errors.TokenMissing, other.open)
store.create_token("key", TokenKey.find(place, "key"))
file = folder / "keys" / "key.json"
right = TokenKey.find(place, "key").public_key.hex()
wrong = TokenKey.generate(place, "p256", "wrong").public_key.hex()
file.write_text(file.read_text().replace(right, wrong))
refused(errors.KeyUnusable, lambda: store.open_token("key"))
""",
    )
    wrong = "(folder / 'pin').write_text('99999999')\n"
    attempt = "try:\n    place.open()\nexcept errors.WrongPin as error:\n    print(error)\n"
    assert "before" not in script(folder, wrong + attempt)
    assert "before" in script(folder, attempt)


def write(folder: Path, **changes: object) -> Keystore:
    """Write a key file that names a token, with some fields changed."""
    document: dict[str, object] = {
        "format": "trine-token-key-v1",
        "name": "key",
        "algorithm": "p256",
        "public_key": PUBLIC_KEY.hex(),
        "address": bytes(20).hex(),
        "pkcs11": {"module": "m.so", "label": "desk", "pin_file": "/pin"},
        "key": {"label": "key", "id": None},
    }
    (folder / "key.json").write_text(json.dumps({**document, **changes}))
    return Keystore(folder)


def test_files_that_name_a_token_are_read_strictly(tmp_path: Path) -> None:
    """Goal: no damaged file passes. Method: a good one, and one of each kind of damage."""
    found = write(tmp_path).read("key")
    assert found.token == TokenPlace("m.so", label="desk", pin_file="/pin")
    with pytest.raises(NotAKeystore, match="password"):
        write(tmp_path).open("key", b"password")
    place = {"module": "m.so", "label": "desk", "pin_file": "/pin"}
    damages: list[dict[str, object]] = [
        {"pkcs11": {}},
        {"pkcs11": "m.so"},
        {"pkcs11": {**place, "serial": "1"}},
        {"pkcs11": {**place, "pin": "1234"}},
        {"pkcs11": {**place, "label": 1}},
        {"pkcs11": {**place, "sm2": [1]}},
        {"pkcs11": {"module": "m.so", "label": "desk"}},
        {"key": {"label": 1, "id": None}},
        {"key": {"label": "key", "id": "xyz"}},
        {"key": "key"},
        {"public_key": "02"},
        {"format": "trine-token-key-v2"},
    ]
    for damage in damages:
        with pytest.raises(NotAKeystore):
            write(tmp_path, **damage).read("key")


def test_places_come_back_from_their_document() -> None:
    """Goal: nothing of a place is lost. Method: write and read each kind; refuse half ones."""
    for place in (
        TokenPlace("m.so", label="desk", pin_file="pin"),
        TokenPlace("m.so", serial="1", pin_variable="PIN", sm2=(2**31, 2**31 + 1, 2**31 + 2)),
    ):
        assert TokenPlace.parse(json.loads(json.dumps(place.document()))) == place
    with pytest.raises(BadArgument):
        TokenPlace("m.so", pin_file="pin")
    with pytest.raises(BadArgument):
        TokenPlace("m.so", label="desk", serial="1", pin_file="pin")
    with pytest.raises(BadArgument):
        TokenPlace("m.so", label="desk")
