"""Hold the codes of Rust, Python, the node and the explanations together."""

import re
from pathlib import Path

import pytest

from trine import errors
from trine._cli.explain import explanations
from trine._core import registry
from trine.errors import FailedOutcome, InvalidTransaction, TrineError, error_of

ROOT = Path(__file__).parents[2]


def group(kind: type[TrineError]) -> set[str]:
    """Codes of a group of exceptions."""
    return {code for code, known in TrineError.by_code.items() if issubclass(known, kind)}


def test_codes_of_the_chain_are_the_classes() -> None:
    """Goal: one class for each code of the chain, in the right group, and no other.

    Method: compare the core's table with the classes, split at 100 as validity is.
    """
    codes = registry.codes()
    assert group(InvalidTransaction) == {name for number, name in codes if 0 < number < 100}
    assert group(FailedOutcome) == {name for number, name in codes if number >= 100}


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("crates/node/src/api/problem.rs", r'^    \("(\w+)", "'),
        ("crates/verify/src/error.rs", r'=> "(\w+)",'),
        ("crates/token/src/error.rs", r'=> "(\w+)",'),
        ("crates/token/src/votes/log.rs", r'=> "(\w+)",'),
        ("crates/py/src", r'refuse\(\s*"(\w+)"'),
        ("crates/py/src/keys.rs", r'=> "(\w+)",'),
    ],
)
def test_codes_elsewhere_in_rust_are_known(source: str, pattern: str) -> None:
    """Goal: whatever Rust answers or raises has a class. Method: read the codes in its source."""
    path = ROOT / source
    files = [path] if path.is_file() else sorted(path.rglob("*.rs"))
    found = {code for file in files for code in re.findall(pattern, file.read_text(), re.MULTILINE)}
    assert found, f"no codes in {source}: the pattern is out of date"
    assert found <= set(TrineError.by_code)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_explained(language: str) -> None:
    """Goal: `trine explain` knows every code, in both languages. Method: compare the sets."""
    known = explanations(language)
    assert set(known) == set(TrineError.by_code)
    assert all(entry["cause"] and entry["remedy"] for entry in known.values())
    if language == "zh":
        assert all(re.search("[\u4e00-\u9fff]", entry["cause"]) for entry in known.values())


def test_a_cause_is_the_docstring() -> None:
    """Goal: code and explanation say the same. Method: compare docstring and English cause."""
    known = explanations("en")
    for code, kind in TrineError.by_code.items():
        assert known[code]["cause"] == kind.__doc__


def test_unknown_codes_keep_their_name() -> None:
    """Goal: a newer node's code is not lost. Method: make the error of an unknown one."""
    error = error_of("from_the_future", "what it said")
    assert isinstance(error, errors.Internal)
    assert "from_the_future" in str(error)
    assert "what it said" in str(error)


def test_the_core_raises_the_classes() -> None:
    """Goal: Rust's errors are these classes. Method: one refusal of each kind of input."""
    from trine._core import calls, genesis, keys, proofs, transactions

    with pytest.raises(errors.UnknownAlgorithm):
        keys.SecretKey("rsa", bytes(32))
    with pytest.raises(errors.BadSecretKey):
        keys.SecretKey("ed25519", bytes(31))
    with pytest.raises(errors.UnknownSuite):
        keys.address_of_key("sm", "ed25519", bytes(32))
    with pytest.raises(errors.BadGenesis):
        genesis.chain_id(b"{}")
    with pytest.raises(errors.Malformed):
        transactions.decode("intl", b"\x01")
    with pytest.raises(errors.UnknownVersion):
        transactions.decode("intl", b"\xff" * 200)
    with pytest.raises(errors.UnknownMethod):
        calls.decode(b"\x05\xff\x00\x00")
    with pytest.raises(errors.BadTrustFile):
        proofs.read_trust(b"[]")
