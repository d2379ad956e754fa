"""Test the audit: what is right replays, what is altered is named, first thing first."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.archive import chains
from tests.model import people
from tests.model.replays import propose, start
from trine.archive.audit import Audit, Tally
from trine.archive.format import Record
from trine.archive.reader import Archive
from trine.errors import ArchiveMismatch, DamagedArchive
from trine.model import Block
from trine.model.calls import LogCreate, ProposalSubmit, ReplaceValidator
from trine.model.document import read_genesis
from trine.model.identifiers import Epoch, Milliseconds
from trine.model.proofs.finalization import Finalization
from trine.model.roots import body_root

LAST = chains.BLOCKS - 1


def audited(folder: Path, records: list[Record]) -> Tally:
    """Audit an archive of these records, whose seals are right."""
    audit = Audit(Archive(chains.write(folder, chains.segment(records))))
    audit.run()
    return audit.tally


def test_a_right_archive_holds(tmp_path: Path) -> None:
    """Goal: an honest chain replays through epochs. Method: count what was checked."""
    told: list[int] = []
    audit = Audit(Archive(chains.backed_up(tmp_path, 6, LAST)))
    audit.run(tell=lambda tally: told.append(tally.blocks))
    assert told == list(range(1, chains.BLOCKS + 1))
    certified = sum(map(chains.is_certified, range(chains.BLOCKS)))
    tally = audit.tally
    assert (audit.height, tally.certified, tally.epoch) == (LAST, LAST, 2)
    assert (tally.transactions, tally.failed) == (2 * LAST, 0)
    assert (tally.certificates, tally.signatures) == (certified, certified)
    assert tally.digest == chains.block_of(chains.chain()[LAST]).header.digest()
    assert tally.bytes == sum(one.size for one in chains.chain())


def test_until_a_height(tmp_path: Path) -> None:
    """Goal: an audit may end before the end. Method: at a block without a certificate, and at
    genesis; what lies behind is not looked at."""
    records = [*chains.chain()[:-1], chains.chain()[0]]
    archive = Archive(chains.write(tmp_path, chains.segment(records)))
    for height, certified in ((10, 9), (0, 0)):
        audit = Audit(archive)
        audit.run(until=height)
        assert (audit.height, audit.tally.certified) == (height, certified)


def _certified_anew(block: Block, height: int) -> Record:
    """Let the validator itself certify a block: then only the rules can refuse it."""
    header = replace(block.header, body_root=body_root(block.transactions))
    return chains.record(Block(header, block.transactions), certified=chains.is_certified(height))


def _flip_transaction(records: list[Record]) -> None:
    block = chains.block_of(records[5])
    second = bytearray(block.transactions[1])
    second[-40] ^= 1
    altered = replace(block, transactions=(block.transactions[0], bytes(second)))
    records[5] = Record(records[5].finalization, altered.encode())


def _reorder_transactions(records: list[Record]) -> None:
    block = chains.block_of(records[5])
    altered = replace(block, transactions=block.transactions[::-1])
    records[5] = Record(records[5].finalization, altered.encode())


def _add_transaction(records: list[Record]) -> None:
    block = chains.block_of(records[6])
    forged = people.transaction("stranger-0", chains.CHAIN_ID, [LogCreate("forged")], nonce=1)
    records[6] = _certified_anew(replace(block, transactions=(*block.transactions, forged)), 6)


def _header(name: str, value: object, height: int) -> Callable[[list[Record]], None]:
    def alter(records: list[Record]) -> None:
        block = chains.block_of(records[height])
        header = replace(block.header, **{name: value})  # type: ignore[arg-type]
        altered = Block(header, block.transactions)
        records[height] = Record(records[height].finalization, altered.encode())

    return alter


def _flip_signature(records: list[Record]) -> None:
    one = bytearray(records[9].finalization)
    one[-40] ^= 1
    records[9] = replace(records[9], finalization=bytes(one))


def _certificate(**fields: object) -> Callable[[list[Record]], None]:
    def alter(records: list[Record]) -> None:
        made = Finalization.from_bytes(records[9].finalization)
        changed = replace(made.certificate, **fields)  # type: ignore[arg-type]
        records[9] = replace(records[9], finalization=replace(made, certificate=changed).encode())

    return alter


def _swap(records: list[Record]) -> None:
    records[5], records[6] = records[6], records[5]


def _drop(height: int) -> Callable[[list[Record]], None]:
    def alter(records: list[Record]) -> None:
        records[height] = replace(records[height], finalization=b"")

    return alter


def _more_validators(records: list[Record]) -> None:
    made = Finalization.from_bytes(records[9].finalization)
    records[9] = replace(records[9], finalization=replace(made, validators=2).encode())


def _certify_genesis(records: list[Record]) -> None:
    records[0] = replace(records[0], finalization=records[3].finalization)


ALTERED: dict[str, tuple[Callable[[list[Record]], None], int, str, int | None]] = {
    "transaction byte": (_flip_transaction, 5, "verdict", 1),
    "order of transactions": (_reorder_transactions, 5, "body_root", None),
    "transaction of a stranger": (_add_transaction, 6, "verdict", 2),
    "parent": (_header("parent", b"\1" * 32, 4), 4, "parent", None),
    "time": (_header("time_ms", 1, 4), 4, "time_ms", None),
    "epoch": (_header("epoch", 1, 4), 4, "epoch", None),
    "outcome root": (_header("outcome_root", b"\1" * 32, 4), 4, "outcome_root", None),
    "view, where the block is certified": (_header("view", 99, 6), 6, "certificate digest", None),
    "view, where it is not": (_header("view", 99, 5), 6, "parent", None),
    "genesis": (_header("time_ms", 1, 0), 0, "time_ms", None),
    "signature": (_flip_signature, 9, "certificate", None),
    "view of the certificate": (_certificate(view=1), 9, "certificate", None),
    "epoch of the certificate": (_certificate(epoch=Epoch(2)), 9, "certificate epoch", None),
    "no signer": (_certificate(signers=b"\0", signatures=()), 9, "certificate", None),
    "validators of the certificate": (_more_validators, 9, "certificate validators", None),
    "certificate of genesis": (_certify_genesis, 0, "certificate", None),
    "no certificate at the end of an epoch": (_drop(15), 15, "certificate", None),
    "no certificate at the end": (_drop(LAST), LAST, "certificate", None),
    "missing block": (lambda records: records.__delitem__(5), 5, "height", None),
    "swapped blocks": (_swap, 5, "height", None),
    "block twice": (lambda records: records.insert(5, records[5]), 6, "height", None),
}


@pytest.mark.parametrize("name", ALTERED)
def test_the_first_divergence_is_named(name: str, tmp_path: Path) -> None:
    """Goal: whatever is altered under right seals is found and named. Method: alter one thing, and
    compare height, field and transaction."""
    alter, height, field, transaction = ALTERED[name]
    records = list(chains.chain())
    alter(records)
    with pytest.raises(ArchiveMismatch) as caught:
        audited(tmp_path, records)
    found = caught.value
    told = {name: found.details[name] for name in ("height", "field", "transaction")}
    assert told == {"height": height, "field": field, "transaction": transaction}, str(found)
    assert found.details["damaged"] is False
    assert f"block {height}" in str(found)
    assert int(found.exit_code) == 1


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("height", [3, 7])
def test_certificates_are_of_the_epochs_validators(
    height: int, honest: bool, tmp_path: Path
) -> None:
    """Goal: who certifies is who the chain named, from the epoch on that it says. Method: replace
    the one validator in epoch 0, in the middle and in its last block, which itself names the set of
    before; the former one goes on certifying, or hands over."""
    document = people.genesis(organisations=("city",))
    chain_id = read_genesis(document).chain_id()
    replay, genesis = start(document)
    former = replay.chain.document.validators.members[0]
    new = people.validator("stranger-0", former.organisation)
    handed_over = 16 if height < 7 else 24
    records = [Record(b"", Block(genesis, ()).encode())]
    for place in range(1, 30):
        call = ProposalSubmit(ReplaceValidator(former.key, new), Milliseconds(people.TIME_MS + 999))
        made = people.transaction("city-administrator", chain_id, [call], nonce=1)
        time_ms = Milliseconds(people.TIME_MS + place)
        block = propose(replay, time_ms, [made] if place == height else [])
        replay.accept(block)
        key = "stranger-0" if honest and place >= handed_over else "validator"
        certified = chains.certificate(block.header, chain_id, key)
        records.append(Record(certified, block.encode()))
    archive = Archive(chains.write(tmp_path, chains.segment(records, 0, chain_id), 0, document))
    audit = Audit(archive)
    if honest:
        audit.run()
        assert (audit.tally.epoch, audit.tally.failed) == (3, 0)
    else:
        with pytest.raises(ArchiveMismatch) as caught:
            audit.run()
        assert (caught.value.details["height"], caught.value.details["field"]) == (
            handed_over,
            "certificate",
        )


def test_damage_is_told_from_deceit(tmp_path: Path) -> None:
    """Goal: who finds a divergence learns whether the disk did it. Method: turn a byte over under
    the old seal; another one that the replay cannot see, the seal itself."""
    content = bytearray(chains.segment(chains.chain()))
    content[200] ^= 1
    with pytest.raises(ArchiveMismatch, match="is damaged") as caught:
        Audit(Archive(chains.write(tmp_path, bytes(content)))).run()
    assert caught.value.details["damaged"] is True
    content[200] ^= 1
    content[-1] ^= 1
    with pytest.raises(DamagedArchive):
        Audit(Archive(chains.write(tmp_path, bytes(content)))).run()
