"""Test the commands for keys in hardware tokens, on a token of SoftHSM2."""

import json
from pathlib import Path

from tests.cli.command import trine
from tests.sdk.test_token import PIN, folder, softhsm
from tests.suite import ONE_SUITE

__all__ = ["folder"]

pytestmark = ONE_SUITE


def test_keys_of_a_token(folder: Path) -> None:
    """Goal: keys of a token are made, found, listed, shown, checked. Method: each once."""
    variables = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    home = ("--home", folder / "home", "--json")
    place = ("--pkcs11", softhsm(), "--token", "desk", "--pin-file", folder / "pin")
    made = trine("key", "new", "alice", "--alg", "p256", *place, *home, **variables)
    assert made.status == 0, made.err
    assert made.document["pkcs11"]["label"] == "desk"
    assert made.document["algorithm"] == "p256"
    assert trine("key", "show", "alice", *home).document == made.document
    assert trine("key", "list", *home).document == {"keys": [made.document]}
    checked = trine("key", "check", "alice", *home, **variables).document
    assert checked["healthy"] is True
    assert checked["took_us"] > 0
    # Another home finds the same key by its label, and its PIN in a variable.
    other = ("--home", folder / "other", "--json")
    variable = ("--pkcs11", softhsm(), "--token", "desk", "--pin-variable", "DESK_PIN")
    words = ("key", "new", "bob", *variable, "--existing", "--label", "alice", *other)
    found = trine(*words, **variables, DESK_PIN=PIN)
    assert found.document["public_key"] == made.document["public_key"]
    again = trine("key", "new", "alice", *place, *home, **variables)
    assert (again.status, again.code) == (4, "key_file_exists")
    taken = trine("key", "new", "carol", "--label", "alice", *place, *home, **variables)
    assert (taken.status, taken.code) == (4, "token_key_exists")
    for path in (folder / "home/keys/alice.json", folder / "other/keys/bob.json"):
        assert PIN not in path.read_text()


def test_mistakes_with_tokens(folder: Path) -> None:
    """Goal: each mistake has status and code, and leaves no file. Method: make each."""
    variables = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    home = ("--home", folder / "home", "--json")
    module, desk = ("--pkcs11", softhsm()), ("--token", "desk")
    pin = ("--pin-file", folder / "pin")
    (folder / "wrong").touch(mode=0o600)
    (folder / "wrong").write_text("99999999\n")
    (folder / "open").write_text(PIN)
    (folder / "open").chmod(0o644)
    for words, status, code in [
        ((*desk, *pin), 2, "bad_argument"),
        (("--label", "x"), 2, "bad_argument"),
        ((*module, *pin), 2, "bad_argument"),
        ((*module, *desk), 2, "bad_argument"),
        (("--pkcs11", folder / "no.so", *desk, *pin), 5, "token_module"),
        ((*module, "--token", "nobody", *pin), 4, "token_missing"),
        ((*module, *desk, "--pin-file", folder / "none"), 5, "pin_unreadable"),
        ((*module, *desk, "--pin-file", folder / "open"), 5, "pin_unreadable"),
        ((*module, *desk, *pin, "--alg", "ml-dsa-65"), 4, "mechanism_missing"),
        ((*module, *desk, *pin, "--existing"), 4, "key_missing"),
        (
            (*module, *desk, *pin, "--alg", "sm2", "--sm2", "3,0x1040,0x1041"),
            5,
            "bad_token_configuration",
        ),
        ((*module, *desk, "--pin-file", folder / "wrong"), 4, "wrong_pin"),
    ]:
        ended = trine("key", "new", "alice", *words, *home, **variables)
        assert (ended.status, ended.code) == (status, code), ended.err
        assert "99999999" not in ended.out + ended.err
        assert not (folder / "home/keys/alice.json").exists()
    unread = trine("key", "new", "alice", *module, *desk, *pin, "--sm2", "1,2", *home)
    assert unread.status == 2
    assert json.loads(trine("explain", "wrong_pin", "--json").out)["exit_code"] == 4
