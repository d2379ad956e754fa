"""Test that sealed records lie in a folder or an S3 as they do in the store, until they go."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.apps.health.samples import OBSERVATION
from tests.suite import SUITE
from trine.apps.health.definitions import Release
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import Records
from trine.apps.health.sealed_records import check_place, object_name, open_place
from trine.apps.health.store import FolderStore
from trine.apps.health.validation import validate
from trine.errors import BadArgument, BadConfiguration, ReadOnlyFolder
from trine.errors.health import DamagedRecord, RecordErased, RecordNotFound
from trine.errors.services import StoreUnavailable
from trine.model.identifiers import Digest
from trine.services.evidence.bucket import ENDPOINTS

BUCKET = "sealed"
KEY = RecipientKey(bytes([7]) * 32, SUITE)
COUNT = 20


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    """Run an S3 on loopback, which the environment names."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    assert httpx.put(f"{endpoint}/{BUCKET}", trust_env=False).status_code in (200, 409)
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    told = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up"}
    for name, value in (told | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("trine.services.evidence.bucket.RETRIES_MAX", 0)
    yield server
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where records lie."""
    if request.param == "folder":
        return str(tmp_path / "objects")
    request.getfixturevalue("s3")
    return f"s3://{BUCKET}/{tmp_path.name}"


def opened(folder: Path, place: str) -> Records:
    """The records of a hospital whose program starts."""
    return Records(FolderStore(folder), SUITE, "hospital", open_place(place))


def keep(records: Records, count: int = COUNT) -> list[Digest]:
    """Keep observations."""
    given = [{**OBSERVATION, "id": f"o-{number}"} for number in range(count)]
    checked = [validate(one, Release.R4) for one in given]
    return [one.entry for one in records.keep(checked, Release.R4, [KEY.recipient])]


def stored(folder: Path) -> bytes:
    """Every byte of the store."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_records_lie_in_their_place(tmp_path: Path, place: str) -> None:
    """Goal: what is sealed is in the place alone, and opens as before.

    Method: keep, start anew, open, share, list facts; each object is the sealed record, and the
    ciphertext is in no file of the store, nor the name of a resource in the place.
    """
    folder, other = tmp_path / "store", RecipientKey(bytes([8]) * 32, SUITE)
    entries = keep(opened(folder, place))
    records, objects = opened(folder, place), open_place(place)
    assert objects is not None
    inside = stored(folder)
    for number, entry in enumerate(entries):
        assert f'"id":"o-{number}"'.encode() in records.open(entry, KEY).resource
        content = objects.read(object_name(entry.hex()))
        assert content is not None
        assert content[-40:] not in inside
        assert b"o-" + str(number).encode() not in content
        assert records.hand_out(entry, KEY, other.recipient)[0] == content
    records.share(entries[0], KEY, other.recipient)
    assert records.open(entries[0], other).entry == entries[0]
    assert sorted(records.entries()) == sorted(entries)
    assert records.facts(entries[3]).type_name == "Observation"


def test_lists_ask_no_place(tmp_path: Path, s3: ThreadedMotoServer) -> None:
    """Goal: lists of records need no S3. Method: end it; facts are there, content is a code."""
    place, folder = f"s3://{BUCKET}/{tmp_path.name}", tmp_path / "store"
    [entry] = keep(opened(folder, place), 1)
    s3.stop()
    records = opened(folder, place)
    assert records.facts(entry).custodian == "hospital"
    with pytest.raises(StoreUnavailable, match=f"s3://{BUCKET}"):
        records.open(entry, KEY)


def test_nothing_is_kept_that_is_not_in_its_place(tmp_path: Path, s3: ThreadedMotoServer) -> None:
    """Goal: durable before acknowledged: no reference and no key without an object.

    Method: end the S3; keeping is a coded error, and the store has neither; start it again.
    """
    place, folder = f"s3://{BUCKET}/{tmp_path.name}", tmp_path / "store"
    records, (host, port) = opened(folder, place), s3.get_host_and_port()
    s3.stop()
    with pytest.raises(StoreUnavailable):
        keep(records)
    store = FolderStore(folder)
    assert [*store.names("records"), *store.names("keys")] == []
    again = ThreadedMotoServer(host, port)
    again.start()
    try:
        assert len(keep(records)) == COUNT
        assert records.open(next(records.entries()), KEY)
    finally:
        again.stop()


def test_erasing_removes_the_object(tmp_path: Path, place: str) -> None:
    """Goal: an erased record is nowhere. Method: erase one of two; read its object and its key."""
    folder = tmp_path / "store"
    records = opened(folder, place)
    gone, left = keep(records, 2)
    objects, store = open_place(place), FolderStore(folder)
    assert objects is not None
    assert objects.read(object_name(gone.hex())) is not None
    for _ in range(2):
        records.erase(gone)
        assert objects.read(object_name(gone.hex())) is None
        assert store.get(f"keys/{gone.hex()}") is None
        assert store.get(f"records/{gone.hex()}") is None
    with pytest.raises(RecordErased):
        records.open(gone, KEY)
    assert records.open(left, KEY).entry == left


def test_an_erasure_is_finished_when_the_s3_is_back(tmp_path: Path, s3: ThreadedMotoServer) -> None:
    """Goal: a key is erased whether or not the S3 answers; the object goes as soon as it can.

    Method: erase with the S3 ended: a code, the key gone, nobody can open it; start without and
    with the S3: the second start removes the object.
    """
    place, folder = f"s3://{BUCKET}/{tmp_path.name}", tmp_path / "store"
    records, (host, port) = opened(folder, place), s3.get_host_and_port()
    [entry] = keep(records, 1)
    s3.stop()
    with pytest.raises(StoreUnavailable):
        records.erase(entry)
    store = FolderStore(folder)
    assert store.get(f"keys/{entry.hex()}") is None
    with pytest.raises(RecordErased):
        opened(folder, place).open(entry, KEY)
    again = ThreadedMotoServer(host, port)
    again.start()
    try:
        objects = open_place(place)
        assert objects is not None
        assert objects.read(object_name(entry.hex())) is not None
        opened(folder, place)
        assert objects.read(object_name(entry.hex())) is None
        assert store.get(f"records/{entry.hex()}") is None
    finally:
        again.stop()


def test_other_objects_are_refused(tmp_path: Path, place: str) -> None:
    """Goal: whoever keeps the objects can only lose them, and each loss has a code.

    Method: another record's object, one bit, none; then a start that knows of no place.
    """
    folder, objects = tmp_path / "store", open_place(place)
    assert objects is not None
    first, second = keep(opened(folder, place), 2)
    records, name = opened(folder, place), object_name(first.hex())
    good, other = objects.read(name), objects.read(object_name(second.hex()))
    assert good is not None
    assert other is not None
    for wrong in (other, good[:-1] + bytes([good[-1] ^ 1]), b""):
        objects.write({name: wrong})
        for use in (
            lambda: records.open(first, KEY),
            lambda: records.hand_out(first, KEY, KEY.recipient),
        ):
            with pytest.raises(DamagedRecord):
                use()
    objects.delete([name])
    with pytest.raises(RecordNotFound, match="bring it back from a copy"):
        records.open(first, KEY)
    objects.write({name: good})
    assert records.open(first, KEY).entry == first
    with pytest.raises(BadConfiguration):
        opened(folder, "").open(first, KEY)


def test_records_of_before_stay_where_they_are(tmp_path: Path, place: str) -> None:
    """Goal: a place may be named later. Method: keep without one, then with one; open both."""
    folder = tmp_path / "store"
    [old] = keep(opened(folder, ""), 1)
    records = opened(folder, place)
    [new] = keep(records, 1)
    assert [records.open(one, KEY).entry for one in (old, new)] == [old, new]
    records.erase(old)
    with pytest.raises(RecordErased):
        records.open(old, KEY)


def test_places_are_checked(tmp_path: Path, place: str) -> None:
    """Goal: a place that cannot be used is said at once, and a folder is its owner's alone.

    Method: check a good one, which is empty afterwards; a bucket that is not there, no bucket, a
    file.
    """
    objects = open_place(place)
    assert objects is not None
    check_place(objects)
    assert objects.read("probe") is None
    if not place.startswith("s3:"):
        assert os.stat(place).st_mode & 0o077 == 0
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ReadOnlyFolder):
            open_place(str(tmp_path / "file"))
        return
    elsewhere = open_place("s3://nobody-made-this/x")
    assert elsewhere is not None
    with pytest.raises(StoreUnavailable):
        check_place(elsewhere)
    with pytest.raises(BadArgument):
        open_place("s3://")
