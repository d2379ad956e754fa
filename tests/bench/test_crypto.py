"""Test the table and the picture of the cryptography, on the committed figures, and its peers."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from trine.bench import Figure, crypto_peers, crypto_table, draw_crypto, measure_crypto
from trine.bench.crypto import report

COMMITTED = Path(__file__).parents[2] / "bench" / "results" / "crypto.json"


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    rows = json.loads(COMMITTED.read_text())["figures"]
    return [Figure(**{name: row[name] for name in row if name != "per_s"}) for row in rows]


def test_the_table_names_every_figure(figures: list[Figure]) -> None:
    """Goal: nothing is lost between figures and table. Method: look for names and a ratio."""
    console = Console(width=160, file=StringIO())
    with console.capture() as captured:
        console.print(crypto_table(figures, "title"))
    text = captured.get()
    assert all(figure.algorithm in text for figure in figures)
    assert text.count("\n") > len(figures)
    single = min(one.us for one in figures if one.algorithm == "sm2" and "OpenSSL" in one.by)
    assert single > 25 * min(one.us for one in figures if one.algorithm == "sm2")


def test_the_picture_is_one(figures: list[Figure], tmp_path: Path) -> None:
    """Goal: a PNG is written. Method: its first bytes."""
    draw_crypto(figures, "title", tmp_path / "crypto.png")
    assert (tmp_path / "crypto.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_document_has_its_fields(figures: list[Figure]) -> None:
    """Goal: no field is renamed. Method: name them; the committed file has the same."""
    made = report(figures, "a machine")
    committed = json.loads(COMMITTED.read_text())
    assert set(made) == set(committed) == {"version", "hardware", "figures"}
    expected = {"algorithm", "operation", "case", "count", "by", "us", "per_s"}
    assert all(set(row) == expected for row in made["figures"] + committed["figures"])


def test_every_peer_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the libraries of the extra `bench` stand beside ours. Method: one repeat of each."""
    monkeypatch.setattr(crypto_peers, "OPENSSL_SECONDS", 1)
    found = list(crypto_peers.measure_peers(repeats=1))
    by = {(figure.by.split(" ")[0].rstrip(","), figure.algorithm) for figure in found}
    assert by >= {
        *(("OpenSSL", name) for name in ("ed25519", "p256", "sm2", "sm3")),
        *(("GmSSL", name) for name in ("sm2", "sm3", "sm4-gcm")),
        ("gmalg", "sm2"),
        ("libsecp256k1", "secp256k1"),
    }
    assert all(figure.us > 0 for figure in found)


def test_a_caller_can_stop_the_run() -> None:
    """Goal: Ctrl-C ends a long measurement. Method: raise at the third figure."""
    seen: list[Figure] = []

    def tell(figure: Figure) -> None:
        seen.append(figure)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_crypto(repeats=1, tell=tell)
    assert len(seen) == 3
    assert all(figure.us > 0 and figure.per_s > 0 for figure in seen)
