"""Keep what a chain proves about by whom a file was recorded, for tests that run no chain.

Run as `TRINE_TEST_SUITE=intl python -m tests.services.origins`, and again with `gm`, to record
`vectors/origin/SUITE` anew from a network on this machine. Keys and times are others each time.
"""

import tempfile
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import trine
from tests.services.chains import chain
from tests.suite import SUITE
from trine import Client
from trine.client.home import Home
from trine.client.verification import Trust, Verified, verify
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import TrineError
from trine.model.hashing import Suite, under
from trine.model.identifiers import LogId as ModelLogId
from trine.model.state_keys import log_key
from trine.services.evidence import cose
from trine.services.evidence.certificate import Language, fetch_origin, write_certificate
from trine.types import AccountCreate, EvidenceAppend, LogId, Roles

FOLDER: Final = Path(__file__).parent / "vectors" / "origin"
PROOFS: Final = ("transaction.proof", "account.proof", "organisation.proof")
CONTENT: Final = b"Measured on 3 May: 7.2 mg/l\n"


def folder(suite: str = SUITE) -> Path:
    """Folder of a suite."""
    return FOLDER / suite


def by_whom(suite: str = SUITE) -> tuple[bytes, ...]:
    """Read the three proofs."""
    return tuple((folder(suite) / name).read_bytes() for name in PROOFS)


def trust(suite: str = SUITE) -> Trust:
    """Read the trust file of the chain that was."""
    return Trust.load(folder(suite) / "trust.json")


def shown(suite: str = SUITE) -> Verified:
    """Verify the receipt of the file."""
    own = folder(suite)
    return verify(own / "report.txt", own / "report.txt.receipt", trust(suite))


def certificate_of(suite: str = SUITE, language: Language = "en") -> bytes:
    """Make the certificate of the file."""
    found = shown(suite)
    return write_certificate(
        (folder(suite) / "report.txt.receipt").read_bytes(),
        trust(suite),
        digest=found.digest,
        size=found.size,
        language=language,
        by_whom=by_whom(suite),
    )


def record(own: Path) -> None:
    """Run a network, record three files in two transactions, and keep what proves the second."""
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chain(Home(Path(name) / "home")) as home:
        where = ("--home", home.path, "--out", Path(name) / "receipts")
        for files in (("before.txt",), ("other.txt", "report.txt")):
            for one in files:
                (Path(name) / one).write_bytes(CONTENT if one == "report.txt" else one.encode())
            paths = [Path(name) / one for one in files]
            assert trine("evidence", "submit", *paths, *where).status == 0
        exported = trine("trust", "export", "--out", own / "trust.json", "--home", home.path)
        assert exported.status == 0
        (own / "report.txt").write_bytes(CONTENT)
        receipts = Path(name) / "receipts"
        (own / "report.txt.receipt").write_bytes((receipts / "report.txt.receipt").read_bytes())
        given = Trust.load(own / "trust.json")
        before = verify(Path(name) / "before.txt", receipts / "before.txt.receipt", given)
        found = verify(own / "report.txt", own / "report.txt.receipt", given)
        with Client(home.urls(), key=home.open_key()) as client:
            for one, proof in zip(PROOFS, fetch_origin(client, found, given), strict=True):
                (own / one).write_bytes(proof)
            other, *_ = fetch_origin(client, before, given)
            (own / "other-transaction.proof").write_bytes(other)
            (own / "block.proof").write_bytes(client.proof("/v1/blocks/1"))
            _record_others(client, own, found)


def _record_others(client: Client, own: Path, found: Verified) -> None:
    """Keep proofs of the right kinds about other things, and of a failed transaction."""
    key = SecretKey.generate(SUITE_ALGORITHMS[SUITE])
    made = client.submit(AccountCreate(key=cose.public_key(key), roles=Roles.NOTARY))
    other = made.outcome.events[0].fields()["address"]
    (own / "other-account.proof").write_bytes(client.proof(f"/v1/accounts/{other}"))
    with under(Suite(SUITE)):
        state = log_key(ModelLogId(int(found.log)))
    (own / "other-state.proof").write_bytes(client.proof(f"/v1/state/{state.hex()}"))
    call = EvidenceAppend(log=LogId(999), entries=(found.entry,))
    with pytest.raises(TrineError) as failed:
        client.submit(call)
    (own / "failed.proof").write_bytes(client.proof(f"/v1/transactions/{failed.value.instance}"))


if __name__ == "__main__":
    record(folder())
