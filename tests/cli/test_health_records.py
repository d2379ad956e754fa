"""Test that a hospital's records are listed and erased by command."""

from pathlib import Path

import pytest

from tests.cli.command import Ended, trine
from tests.page.hospital import bundles, founded
from trine import Client

pytestmark = pytest.mark.network


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
