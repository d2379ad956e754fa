"""Test that named bytes are kept alike in a folder and in a bucket of an S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from trine.errors import BadArgument
from trine.errors.services import StoreUnavailable
from trine.services.evidence.bucket import Bucket, open_objects
from trine.services.evidence.objects import Folder, Objects

BUCKET = "tiles"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run an S3 on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> Objects:
    if request.param == "folder":
        return open_objects(str(tmp_path / "objects"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    import httpx

    made = httpx.put(f"{s3}/{BUCKET}", trust_env=False)
    assert made.status_code in (200, 409), made.text
    return open_objects(f"s3://{BUCKET}/{tmp_path.name}", endpoint=s3)


def test_what_is_written_is_read(objects: Objects) -> None:
    """Goal: one behaviour, wherever. Method: write, read, write again, read what never was."""
    assert objects.read("tile/0/000") is None
    objects.write({"tile/0/000": b"old", "checkpoint": b"", "tile/1/x001/000.p/7": bytes(70_000)})
    objects.write({"tile/0/000": b"new"})
    assert objects.read("tile/0/000") == b"new"
    assert objects.read("checkpoint") == b""
    assert objects.read("tile/1/x001/000.p/7") == bytes(70_000)
    assert objects.read("tile/0/001") is None


def test_a_folder_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: nothing is left beside what was written, and failures name a file.

    Method: a folder by a relative path, more files than are written at a time; then a file where
    a folder must be.
    """
    monkeypatch.chdir(tmp_path)
    objects = Folder(Path("made/here"))
    items = {
        f"tile/{level}/{number:03}": bytes([number]) for level in range(3) for number in range(70)
    }
    objects.write(items)
    found = {path for path in (tmp_path / "made/here").rglob("*") if path.is_file()}
    assert found == {tmp_path / "made/here" / name for name in items}
    assert all(objects.read(name) == content for name, content in items.items())
    with pytest.raises(OSError) as caught:
        objects.write({"tile/0/000": b"new", "tile/0/001/below": b""})
    assert str(caught.value.filename).endswith("made/here/tile/0/001")
    objects.write({})


def test_what_is_below_a_name_goes(objects: Objects) -> None:
    """Goal: partial tiles go, and nothing beside them. Method: remove twice; read neighbours."""
    kept = {"tile/0/000": b"full", "tile/0/000.pages": b"other", "tile/0/001.p/1": b"next"}
    objects.write(kept | {"tile/0/000.p/1": b"1", "tile/0/000.p/255": b"255"})
    objects.remove("tile/0/000.p")
    objects.remove("tile/0/000.p")
    assert objects.read("tile/0/000.p/1") is None
    assert objects.read("tile/0/000.p/255") is None
    assert {name: objects.read(name) for name in kept} == kept


def test_items_go_one_by_one(objects: Objects) -> None:
    """Goal: what is deleted is gone, and nothing else. Method: delete twice; read neighbours."""
    kept = {"records/0a": b"kept", "records/0a1": b"kept too", "records/0b/1": b"below"}
    objects.write(kept | {"records/0": b"1", "records/0c/1": b"2"})
    for _ in range(2):
        objects.delete(["records/0", "records/0c/1", "records/never"])
    objects.delete([])
    assert (objects.read("records/0"), objects.read("records/0c/1")) == (None, None)
    assert {name: objects.read(name) for name in kept} == kept


@pytest.mark.parametrize("name", ["", "/etc/passwd", "a//b", "../secret", "a/.hidden", "a/../b"])
def test_names_stay_inside(objects: Objects, name: str) -> None:
    """Goal: no name leads out of the folder. Method: names that would."""
    with pytest.raises(BadArgument):
        objects.read(name)
    with pytest.raises(BadArgument):
        objects.write({name: b""})
    with pytest.raises(BadArgument):
        objects.remove(name)
    with pytest.raises(BadArgument):
        objects.delete([name])


def test_an_s3_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a coded error, no traceback, nothing half-believed. Method: a port where nobody is."""
    monkeypatch.setattr("trine.services.evidence.bucket.RETRIES_MAX", 0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    away = Bucket("s3://tiles", endpoint="http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="s3://tiles"):
        away.read("checkpoint")
    with pytest.raises(StoreUnavailable, match="s3://tiles"):
        away.write({"checkpoint": b""})
    with pytest.raises(StoreUnavailable, match="s3://tiles"):
        away.delete(["checkpoint"])


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("s3://", None),
        ("s3:tiles", None),
        ("s3://tiles?key=secret", None),
        ("s3://tiles", "http://s3.example"),
    ],
)
def test_places_that_are_none_are_refused(url: str, endpoint: str | None) -> None:
    """Goal: a wrong place is said at once. Method: URLs without a bucket, an S3 in clear."""
    with pytest.raises(BadArgument):
        open_objects(url, endpoint=endpoint)
