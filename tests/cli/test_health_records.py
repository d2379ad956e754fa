"""Test that a hospital's records are listed and erased by command."""

from pathlib import Path

import pytest

from tests.cli.command import Ended, trine
from tests.page.hospital import bundles, founded
from trine import Client

pytestmark = pytest.mark.network


VARIANTS = b"##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def test_variants_are_received(tmp_path: Path) -> None:
    """Goal: a file of variants becomes a record of its patient, or is refused with its place.
    Method: a good one, a bad one, and one of nobody."""
    good, bad = tmp_path / "good.vcf", tmp_path / "bad.vcf"
    good.write_bytes(VARIANTS + b"1\t7\t.\tC\tT\t.\tPASS\tDP=9\n")
    bad.write_bytes(VARIANTS + b"1\t7\t.\tC\tT\t.\tPASS\tDP=x\n")
    with founded(tmp_path, list(bundles(1))) as (home, ids):
        words = ("--key", "admin", "--home", home.path, "--json")
        receive = ("health", "receive", good, bad)
        assert trine(*receive, *words).code == "bad_argument"
        refused = trine(*receive, "--patient", ids[0], *words)
        assert refused.code == "invalid_vcf"
        assert "bad.vcf: line 3, INFO DP" in refused.document["error"]["detail"]
        listed = trine("health", "records", ids[0], "--home", home.path, "--json")
        [found] = [one for one in listed.document["records"] if one["type_name"] == "Binary"]
        assert found["is_proven"]


def test_a_record_is_erased(tmp_path: Path) -> None:
    """Goal: whoever runs a hospital erases a record without a program of their own, and never by
    mistake. Method: list, erase without a word of assent, with it, again, and what there is not;
    the log has all entries as before."""
    with founded(tmp_path, list(bundles(1))) as (home, ids):

        def health(*words: str) -> Ended:
            return trine("health", *words, "--home", home.path, "--json")

        listed = health("records", ids[0]).document["records"]
        assert {"Patient", "Encounter"} <= {one["type_name"] for one in listed}
        assert all(one["is_proven"] for one in listed)
        record = listed[0]["record"]
        assert health("erase", record).code == "bad_argument"
        assert health("records", ids[0]).document["records"] == listed
        with Client(home.urls()) as client:
            before = client.log("city/records").size
            for _ in range(2):
                assert health("erase", record, "--yes").document == {"erased": record}
            assert client.log("city/records").size == before
        left = [one for one in listed if one["record"] != record]
        assert health("records", ids[0]).document["records"] == left
        assert health("erase", "00" * 32, "--yes").code == "record_not_found"
        assert health("erase", "00", "--yes").code == "usage"
        assert health("records", "nobody").code == "history_not_found"
