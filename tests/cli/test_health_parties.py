"""Test what insurers and researchers do, by command, at a hospital whose records lie in an S3."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.command import Ended, trine
from tests.services.chains import chain
from trine.apps.health.limits import SMALL_CELL_MIN
from trine.apps.health.sealed_records import object_name
from trine.client.home import Home
from trine.services.evidence.bucket import Bucket
from trine.services.evidence.objects import Objects

pytestmark = pytest.mark.network
PLACE = "s3://records/city"
SUGAR = {"system": "http://loinc.org", "code": "4548-4"}
ENCOUNTER = {
    "resourceType": "Encounter",
    "status": "completed",
    "subject": {"reference": "Patient/p-0"},
    "actualPeriod": {"start": "2026-11-27T08:00:00Z"},
}
"""Of R5."""


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    """Run an S3 on loopback; gives what the environment says about it."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    told = {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    made = httpx.put(f"{told['AWS_ENDPOINT_URL']}/records", trust_env=False)
    assert made.status_code in (200, 409)
    yield told
    server.stop()


@pytest.fixture
def objects(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Objects:
    """What is in its bucket."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Bucket(PLACE, endpoint=variables["AWS_ENDPOINT_URL"])


def exported(count: int) -> bytes:
    """A bulk export: patients with a value of blood sugar each."""
    lines: list[dict[str, Any]] = []
    for number in range(count):
        lines.append({"resourceType": "Patient", "id": f"p-{number}", "active": True})
        lines.append({
            "resourceType": "Observation",
            "status": "final",
            "subject": {"reference": f"Patient/p-{number}"},
            "code": {"coding": [SUGAR]},
            "effectiveDateTime": "2026-11-27",
        })  # fmt: skip
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class Hospital:
    """A hospital as its users see it: commands."""

    def __init__(self, home: Home, variables: dict[str, str]) -> None:
        self.home, self.variables = home, variables

    def ask(self, *words: str | Path) -> Ended:
        """Run a command without the chain's key."""
        return trine("health", *words, "--home", self.home.path, "--json", **self.variables)

    def do(self, *words: str | Path) -> dict[str, Any]:
        """Run a command that must succeed."""
        ended = self.ask(*words, "--key", "admin")
        assert ended.status == 0, ended.err
        return ended.document

    def refused(self, *words: str | Path) -> str:
        """Run a command that must be refused; returns the code."""
        ended = self.ask(*words, "--key", "admin")
        assert ended.status != 0
        return ended.code


def found(home: Home, folder: Path, variables: dict[str, str]) -> Hospital:
    """Found one with people and records."""
    hospital = Hospital(home, variables)
    assert hospital.refused("found", "city", "--objects", "s3://nobody-made-this") == (
        "store_unavailable"
    )
    assert hospital.do("found", "city", "--objects", PLACE)["objects"] == PLACE
    for name, role in (("insurer", "staff"), ("ms-novak", "researcher")):
        ended = hospital.ask("enrol", name, "--title", name, "--role", role)
        assert ended.status == 0, ended.err
    (folder / "export.ndjson").write_bytes(exported(SMALL_CELL_MIN + 1))
    (folder / "r5.ndjson").write_text(json.dumps(ENCOUNTER) + "\n")
    received = hospital.do("receive", folder / "export.ndjson")
    assert received == {"records": 2 * (SMALL_CELL_MIN + 1)}
    return hospital


def claim_words(record: str, out: Path) -> list[str | Path]:
    """The words of a claim."""
    words = ["claim", "make", record, "--insurer", "insurer", "--insured", "77"]
    return [*words, "--policy", "4711", "--field", "/code/coding/0/code", "--out", out]


@pytest.mark.timeout(900)
def test_everybody_does_their_part(
    tmp_path: Path, objects: Objects, variables: dict[str, str]
) -> None:
    """Goal: a hospital takes records of any release, keeps them in an S3, claims and counts.

    Method: commands alone. A file of R5 is refused as R4 and taken as R5; records are objects of
    the bucket until they are erased. A claim needs a consent, and verifies with every node off,
    with the numbers of its file alone; another month, another record, another log are refused. A
    count is told from ten patients on, for uses that their consents allow.
    """
    claims = tmp_path / "claim.zip"
    with chain(Home(tmp_path / "home")) as home:
        hospital = found(home, tmp_path, variables)
        assert hospital.refused("receive", tmp_path / "r5.ndjson") == "invalid_resource"
        assert hospital.do("receive", tmp_path / "r5.ndjson", "--release", "R5") == {"records": 1}
        listed = hospital.ask("records", "p-0").document["records"]
        releases = {one["type_name"]: (one["release"], one["date"]) for one in listed}
        assert releases["Encounter"] == ("5.0", "2026-11-27")
        assert releases["Observation"] == ("4.0", "2026-11-27")
        [record] = [one["record"] for one in listed if one["type_name"] == "Observation"]
        assert all(objects.read(object_name(one["record"])) for one in listed)
        count(hospital)
        claim(hospital, record, claims)
        erased = hospital.ask("erase", listed[0]["record"], "--yes")
        assert erased.status == 0, erased.err
        assert objects.read(object_name(listed[0]["record"])) is None
        log = json.loads((home.path / "hospital" / "hospital.json").read_text())["records_log"]
        (tmp_path / "trust.json").write_bytes(home.trust.read_bytes())
    check_offline(claims, record, tmp_path / "trust.json", log)


def count(hospital: Hospital) -> None:
    """Count before, at, and beside the limits."""
    asked = ["count", "Observation", "--researcher", "ms-novak", "--project", "study-7"]
    kept = [*asked, "--not-commercial", "--not-for-profit"]
    consent = ["--to", "ms-novak", "--purpose", "HRESCH", "--use", "HMB", "--use", "NPUNCU"]
    names = [f"p-{number}" for number in range(SMALL_CELL_MIN)]
    assert len(hospital.do("consent", *names[:-1], *consent)["given"]) == SMALL_CELL_MIN - 1
    few = hospital.do(*kept)
    assert (few["patients"], few["consents"], few["told_from"]) == (None, [], SMALL_CELL_MIN)
    last = hospital.do("consent", names[-1], *consent, "--name", "study")
    enough = hospital.do(*kept, "--code", "|".join(SUGAR.values()), "--from", "2026-11")
    assert enough["patients"] == len(enough["counted"]) == SMALL_CELL_MIN
    assert last["given"][0]["entry"] in enough["consents"]
    assert hospital.do(*asked)["patients"] is None
    assert hospital.do(*kept, "--to", "2026-10")["patients"] is None
    assert hospital.refused("count", "Sugar", *asked[2:]) == "unknown_resource"
    assert hospital.refused(*asked[:3], "insurer", *asked[4:]) == "person_unknown"


def claim(hospital: Hospital, record: str, out: Path) -> None:
    """Make a claim before and after there is a consent."""
    words = claim_words(record, out)
    assert hospital.refused(*words) == "access_refused"
    assert not out.exists()
    hospital.do("consent", "p-0", "--to", "insurer", "--purpose", "HPAYMT")
    assert hospital.do(*words) == {"file": str(out), "records": 1}
    assert out.stat().st_mode & 0o077 == 0
    assert hospital.refused(*words) == "bad_argument"


def check_offline(file: Path, record: str, trust: Path, log: int) -> None:
    """Verify a claim, and files that are others, with no node."""

    def verify(path: Path, number: int) -> Ended:
        words = ("health", "claim", "verify", path, "--trust", trust, "--log", str(number))
        return trine(*words, "--json")

    good = verify(file, log)
    assert good.status == 0, good.err
    assert good.document["custodian"] == "city"
    [shown] = good.document["records"]
    assert shown["record"] == record
    assert shown["values"] == {
        "@custodian": "city",
        "@type": "Observation",
        "@month": "2026-11",
        "/code/coding/0/code": SUGAR["code"],
    }
    assert verify(file, log + 1).code == "disclosure_mismatch"
    other = file.with_name("other.zip")
    for old, new in (("2026-11", "2026-10"), (record, "00" * 32), ('"city"', '"town"')):
        with zipfile.ZipFile(file) as opened, zipfile.ZipFile(other, "w") as written:
            for name in opened.namelist():
                content = opened.read(name)
                if name == "claim.json":
                    content = content.replace(old.encode(), new.encode())
                written.writestr(name, content)
        assert verify(other, log).code == "claim_unproven"
