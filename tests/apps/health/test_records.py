"""Test the life of records: kept, opened, shared, withdrawn, erased."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.apps.health.samples import PATIENT, bundles
from tests.suite import SUITE
from trine.apps.health import records as records_module
from trine.apps.health.bundles import validate_all, validate_bundle
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.reading import parse, read_lines
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import BATCH, Kept, Records, media_type
from trine.apps.health.sealing import commitment, open_sealed
from trine.apps.health.store import FolderStore
from trine.apps.health.validation import Checked, validate
from trine.errors import BadArgument, TrineError
from trine.errors.health import NotARecipient, RecordErased, RecordNotFound, ResourceTooLarge
from trine.model.identifiers import Digest

DOCTOR, NURSE = (RecipientKey(bytes(range(at, at + 32)), SUITE) for at in (0, 1))
UNKNOWN = Digest(bytes(32))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """An empty store's records."""
    return Records(FolderStore(tmp_path), SUITE, "hospital")


def keep_one(records: Records) -> Kept:
    """Keep a patient for the doctor."""
    patient = validate(parse(PATIENT), Release.R4)
    return records.keep([patient], Release.R4, [DOCTOR.recipient])[0]


def test_a_bundle_is_kept_and_opened(records: Records) -> None:
    """Goal: real records come back bit for bit. Method: keep a published bundle, open each."""
    checked = validate_bundle(next(bundles()), Release.R4)
    kept = records.keep(checked, Release.R4, [DOCTOR.recipient])
    assert sorted(one.entry for one in kept) == list(records.entries())
    for one, source in zip(kept, checked, strict=True):
        opened = records.open(one.entry, DOCTOR)
        assert opened.resource == canonical(source.resource)
        assert (opened.facts, one.facts.type_name) == (one.facts, source.type_name)
    assert media_type(Release.R4) == "application/fhir+json; fhirVersion=4.0"


def test_access_is_shared_and_withdrawn(records: Records) -> None:
    """Goal: who may open a record changes with time. Method: share, withdraw, try each time."""
    entry = keep_one(records).entry
    with pytest.raises(NotARecipient):
        records.open(entry, NURSE)
    assert open_sealed(*records.hand_out(entry, DOCTOR, NURSE.recipient), NURSE).entry == entry
    with pytest.raises(NotARecipient):
        open_sealed(*records.hand_out(entry, DOCTOR, NURSE.recipient), DOCTOR)
    with pytest.raises(NotARecipient):
        records.hand_out(entry, NURSE, NURSE.recipient)
    with pytest.raises(NotARecipient):
        records.open(entry, NURSE)
    assert records.facts(entry) == records.open(entry, DOCTOR).facts
    records.share(entry, DOCTOR, NURSE.recipient)
    assert records.open(entry, NURSE).resource == PATIENT
    records.withdraw(entry, DOCTOR.recipient)
    with pytest.raises(NotARecipient):
        records.open(entry, DOCTOR)
    assert records.open(entry, NURSE).resource == PATIENT


def test_shares_at_the_same_time_all_count(records: Records, tmp_path: Path) -> None:
    """Goal: no share undoes another. Method: eight threads share one record with one key each."""
    entry = keep_one(records).entry
    others = [RecipientKey.generate(SUITE) for _ in range(8)]

    def share(other: RecipientKey) -> None:
        own = Records(FolderStore(tmp_path), SUITE, "hospital")
        own.share(entry, DOCTOR, other.recipient)

    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(share, others))
    assert {records.open(entry, one).resource for one in (DOCTOR, *others)} == {PATIENT}


class _ErasedMeanwhile(FolderStore):
    """A store in which another process marks the record as erased before each change."""

    def change(self, name: str, update: Callable[[bytes | None], bytes]) -> None:
        self.put([(name.replace("keys", "erased"), b"")])
        super().change(name, update)


def test_a_share_does_not_undo_an_erasure(records: Records, tmp_path: Path) -> None:
    """Goal: keys that were changed during an erasure go too. Method: erase within a share."""
    entry = keep_one(records).entry
    store = _ErasedMeanwhile(tmp_path)
    Records(store, SUITE, "hospital").share(entry, DOCTOR, NURSE.recipient)
    assert store.get(f"keys/{entry.hex()}") is None


def test_erasure_destroys_key_and_salt(records: Records, tmp_path: Path) -> None:
    """Goal: after an erasure nobody ties the entry to anything, and the log stays as it is.

    Method: remember every wrapped secret and the ciphertext; after it they are in no file, opening
    and sharing are refused, and the document alone does not give the entry.
    """
    entry, other = keep_one(records).entry, keep_one(records).entry
    opened = records.open(entry, DOCTOR)
    store = FolderStore(tmp_path)
    held = [store.get(f"{folder}/{entry.hex()}") or b"" for folder in ("keys", "records")]
    records.erase(entry)
    records.erase(entry)
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert all(one[80:120] and one[80:120] not in everything for one in held)
    for use in (
        lambda: records.open(entry, DOCTOR),
        lambda: records.share(entry, DOCTOR, NURSE.recipient),
        lambda: records.withdraw(entry, DOCTOR.recipient),
    ):
        with pytest.raises(RecordErased):
            use()
    assert list(records.entries()) == [other]
    assert records.open(other, DOCTOR).resource == PATIENT
    assert commitment(SUITE, opened.salt, opened.document) == entry
    assert commitment(SUITE, bytes(32), opened.document) != entry


def test_an_erasure_that_was_cut_short_is_finished(records: Records, tmp_path: Path) -> None:
    """Goal: a crash does not keep a key alive. Method: the mark alone; then start again."""
    entry = keep_one(records).entry
    store = FolderStore(tmp_path)
    store.put([(f"erased/{entry.hex()}", b"")])
    with pytest.raises(RecordErased):
        records.open(entry, DOCTOR)
    Records(store, SUITE, "hospital")
    assert store.get(f"keys/{entry.hex()}") is None
    assert store.get(f"records/{entry.hex()}") is None


def test_unknown_records_have_a_code(records: Records) -> None:
    """Goal: unknown is not erased. Method: an entry that never was."""
    for use in (lambda: records.open(UNKNOWN, DOCTOR), lambda: records.erase(UNKNOWN)):
        with pytest.raises(RecordNotFound):
            use()
    assert not records.is_erased(UNKNOWN)


def test_a_bad_line_keeps_whole_batches_only(records: Records) -> None:
    """Goal: what a bad line interrupts is not kept at all. Method: the line after a batch and a
    half is bad.
    """
    lines = (PATIENT + b"\n") * (BATCH + BATCH // 2) + b'{"resourceType":"Patient","x":1}\n'
    stream = read_lines(io.BytesIO(lines))
    kept: list[Kept] = []
    with pytest.raises(TrineError, match=f"line {BATCH + BATCH // 2 + 1}") as caught:
        for batch in records.keep_all(each(stream), Release.R4, [DOCTOR.recipient]):
            kept += batch
    assert caught.value.code == "unknown_element"
    assert len(kept) == len(list(records.entries())) == BATCH


def each(stream: object) -> Iterator[Checked]:
    """Check each line."""
    for received in stream:  # type: ignore[attr-defined]
        yield from validate_all(received, Release.R4)


def test_a_resource_has_a_limit(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: an entry of a Bundle has the limit of a resource. Method: one byte past it."""
    patient = validate(parse(PATIENT), Release.R4)
    for limit, count in ((len(PATIENT), 1), (len(PATIENT) - 1, 0)):
        monkeypatch.setattr(records_module, "RESOURCE_BYTES_MAX", limit)
        try:
            assert len(records.keep([patient], Release.R4, [DOCTOR.recipient])) == count
        except ResourceTooLarge:
            assert count == 0


def test_a_batch_is_kept_or_not(records: Records) -> None:
    """Goal: nothing is half written. Method: the last of a batch cannot be sealed."""
    good = validate(parse(PATIENT), Release.R4)
    bad = Checked("Patient" * 50, good.resource, ())
    with pytest.raises(BadArgument):
        records.keep([good, bad], Release.R4, [DOCTOR.recipient])
    assert list(records.entries()) == []
