"""Test single fields of records: shown alone, committed to, and claims that rest on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.health.samples import one_of_each_type
from tests.apps.health.world import INSURER, World, run, terms_for
from tests.suite import SUITE
from trine.apps.health import codes
from trine.apps.health.canonical import canonical
from trine.apps.health.claims import ProvenDisclosure, check_claim
from trine.apps.health.consent import identified
from trine.apps.health.fields import Disclosure, Fields, check_fields, month_of_record
from trine.apps.health.reading import parse
from trine.apps.health.sealing import Facts
from trine.errors import BadArgument, TrineError
from trine.errors.health import (
    AccessRefused,
    BadDisclosure,
    BadHealthStatement,
    ClaimUnproven,
    DisclosureMismatch,
    RecordErased,
)
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence import tree
from trine.services.evidence.tree import FUNCTIONS

FACTS = Facts("4.0", "Patient", "", "hospital")
RECORD = Digest(bytes([5]) * 32)
NAMES = ("@custodian", "@type", "@month")


def fields_of(resource: dict[str, Any], suite: Suite = SUITE) -> Fields:
    """Take a resource apart."""
    facts = replace(FACTS, type_name=resource["resourceType"])
    return Fields.of(facts, canonical(resource), bytes(32), RECORD, suite)


@pytest.mark.parametrize("suite", list(Suite))
def test_each_field_is_shown_alone(suite: Suite) -> None:
    """Goal: every field of real records can be shown, and leads to the record's entry.

    Method: one resource of each type of the published bundles; each of its first fields alone, then
    some together; the root is that of RFC 9162 by another code of ours.
    """
    for resource in one_of_each_type():
        fields = fields_of(resource, suite)
        entry = fields.entry
        some = fields.names[:40]
        for name in some:
            checked = check_fields(fields.disclose([name]), suite)
            assert checked.entry == entry
            assert list(checked.values) == [name]
        both = check_fields(fields.disclose(some), suite)
        assert both.values == dict(zip(some, fields.values, strict=False))
        assert len(set(fields.names)) == len(fields.names)
        again = [bytes(leaf) for leaf in fields._levels()[0]]
        frontier = tree.Frontier(FUNCTIONS[suite]).extend(again)
        assert frontier.root() == fields._levels()[-1][0]


def test_names_are_json_pointers() -> None:
    """Goal: a name leads to its value. Method: resolve each as RFC 6901 says."""
    for resource in one_of_each_type():
        fields = fields_of(resource)
        for name, value in zip(fields.names, fields.values, strict=True):
            if not name.startswith("/"):
                continue
            found: Any = resource
            for step in name.split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~")
                found = found[int(key)] if isinstance(found, list) else found[key]
            assert canonical(found).decode() == value


@given(st.integers(0, 200), st.data())
def test_altered_fields_are_refused(bit: int, data: st.DataObject) -> None:
    """Goal: no other value passes. Method: alter each part of a disclosure of two fields."""
    fields = fields_of({"resourceType": "Patient", "active": True, "birthDate": "1970-03-05"})
    shown = fields.disclose(["/birthDate", "@type"])
    first = shown.fields[0]
    salt = bytearray(first.salt)
    salt[bit % 32] ^= 1
    sibling = bytearray(first.siblings[0])
    sibling[bit % 32] ^= 1
    wrong = data.draw(
        st.sampled_from([
            first._replace(value='"1970-03-06"'),
            first._replace(path="/deceasedDateTime"),
            first._replace(salt=bytes(salt)),
            first._replace(leaf_index=first.leaf_index + 1),
            first._replace(siblings=(bytes(sibling), *first.siblings[1:])),
            first._replace(siblings=first.siblings[:-1]),
        ])
    )  # fmt: skip
    for altered in (
        replace(shown, fields=(wrong, shown.fields[1])),
        replace(shown, fields=(first, first)),
        replace(shown, fields=()),
    ):
        with pytest.raises(DisclosureMismatch):
            check_fields(altered, SUITE)
    other = replace(shown, record=Digest(bytes(32)))
    assert check_fields(other, SUITE).entry != fields.entry
    try:
        counted = check_fields(replace(shown, count=shown.count + 1), SUITE)
    except DisclosureMismatch:
        return
    assert counted.entry != fields.entry


def test_hidden_fields_cannot_be_guessed() -> None:
    """Goal: what is shown tells nothing of the rest. Method: the leaves of equal records differ
    wherever their salts do; no salt is in a disclosure of another field.
    """
    resource = {"resourceType": "Patient", "active": True}
    one = fields_of(resource)
    two = Fields.of(FACTS, canonical(resource), bytes([1]) * 32, RECORD, SUITE)
    assert not set(one._levels()[0]) & set(two._levels()[0])
    assert len(set(one.salts)) == len(one.salts)
    shown = one.disclose(["@type"])
    hidden = one.salts[one.names.index("/active")]
    assert hidden not in ProvenDisclosure(shown, b"").encode()


@pytest.mark.parametrize(
    ("resource", "month"),
    [
        ({"effectiveDateTime": "2026-11-27T10:00:00Z", "issued": "2025-01-01T00:00:00Z"},
         "2026-11"),
        ({"period": {"start": "2026-10-01"}}, "2026-10"),
        ({"billablePeriod": {"end": "2026-09-01"}}, "2026-09"),
        ({"onsetDateTime": "2026"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_months_of_records(resource: dict[str, Any], month: str) -> None:
    """Goal: a record is dated by what happened. Method: elements that date it, and none."""
    assert month_of_record(resource) == month


def test_a_field_that_is_not_there_is_refused() -> None:
    """Goal: nothing is shown of what is not there. Method: another name."""
    with pytest.raises(BadArgument):
        fields_of({"resourceType": "Patient", "active": True}).disclose(["/name"])


def test_disclosures_are_files() -> None:
    """Goal: what is shown travels. Method: through its bytes; bytes that are none."""
    shown = fields_of({"resourceType": "Patient", "active": True}).disclose(NAMES)
    proven = ProvenDisclosure(shown, b"proof")
    assert ProvenDisclosure.decode(proven.encode()) == proven
    for wrong in (b"", proven.encode()[:-1], proven.encode() + b"\0", b"\x85\x02\x01\x01\x80\x40"):
        with pytest.raises(BadDisclosure):
            ProvenDisclosure.decode(wrong)


@given(st.binary(max_size=120))
def test_any_bytes_are_no_disclosure(data: bytes) -> None:
    """Goal: hostile bytes end in a code. Method: random ones."""
    with pytest.raises(TrineError):
        ProvenDisclosure.decode(data)


def claim(*records: Digest, provider: str = "hospital", month: str = "2026-11") -> dict[str, Any]:
    """A claim that names records."""
    named: dict[str, Any] = {
        "resourceType": "Claim",
        "status": "active",
        "type": {"text": "professional"},
        "use": "claim",
        "patient": {"display": "insured 77"},
        "created": "2026-12-01",
        "billablePeriod": {"start": f"{month}-01", "end": f"{month}-28"},
        "provider": identified(codes.CUSTODIAN_SYSTEM, provider),
        "priority": {"text": "normal"},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "policy 77"}}],
        "supportingInfo": [
            {
                "sequence": number,
                "category": {"text": "record"},
                "valueReference": identified(codes.ENTRY_SYSTEM, record.hex()),
            }
            for number, record in enumerate(records, 1)
        ],
    }
    if not records:
        del named["supportingInfo"]
    return named


def test_fields_go_out_by_consent_and_on_record(tmp_path: Path) -> None:
    """Goal: an insurer sees single fields, and the patient sees that. Method: ask without consent,
    with it, for a field that is not there, for the record itself; erase.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        record = await world.keep(patient, effectiveDateTime="2026-11-27")

        def ask(*names: str) -> bytes:
            return world.ask(patient, record, "CLMATTCH", by=INSURER, fields=names)

        with pytest.raises(AccessRefused):
            await world.desk.disclose(ask(*NAMES))
        recipients = frozenset({INSURER.person.id})
        terms = terms_for(patient, recipients=recipients, purposes=frozenset({"HPAYMT"}))
        await world.give(terms)
        with pytest.raises(BadArgument):
            await world.desk.disclose(ask("/subject/reference"))
        with pytest.raises(BadHealthStatement):
            await world.desk.disclose(ask())
        world.now_ms += 1_000
        got = await world.desk.disclose(ask(*NAMES))
        checked = check_fields(got.shown, SUITE)
        assert checked.values == {
            "@custodian": '"hospital"', "@type": '"Observation"', "@month": '"2026-11"',
        }  # fmt: skip
        assert checked.entry == got.fields_entry
        assert world.records_log.first(checked.entry) == 1
        assert (await world.custody.events(patient))[-1].entry == got.access
        world.custody.base.records.erase(record)
        with pytest.raises(RecordErased):
            await world.desk.disclose(ask("@type"))

    run(work())


def proven_for(record: Digest, custodian: str = "hospital", month: str = "2026-11") -> Any:
    """A disclosure of a record's facts, without a proof."""
    facts = Facts("4.0", "Observation", "", custodian)
    content = {"resourceType": "Observation", "effectiveDateTime": f"{month}-27"}
    fields = Fields.of(facts, canonical(content), bytes(record), record, SUITE)
    return ProvenDisclosure(fields.disclose(NAMES), b"")


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs are believed: those of a chain are tested in `test_health_chain.py`."""

    def believe(proven: ProvenDisclosure, _trust: object, _log: int) -> Any:
        checked = check_fields(proven.shown, SUITE)
        values = {name: parse(text.encode()) for name, text in checked.values.items()}
        return type("Shown", (), {"record": proven.shown.record, "values": values})

    monkeypatch.setattr("trine.apps.health.claims.verify_fields", believe)


@pytest.mark.usefixtures("believed")
def test_claims_rest_on_records() -> None:
    """Goal: each record of a claim was shown, is the provider's and of its time.

    Method: a good claim; then one difference at a time.
    """
    trust: Any = None
    one, two = Digest(bytes([1]) * 32), Digest(bytes([2]) * 32)
    shown = [proven_for(one), proven_for(two)]
    found = check_claim(claim(one, two), shown, trust, 1)
    assert [fields.record for fields in found] == [one, two]
    hidden = replace(
        shown[0], shown=Disclosure(one, shown[0].shown.count, shown[0].shown.fields[:2])
    )
    patient: dict[str, Any] = {"resourceType": "Patient", "active": True}
    odd = claim(one)
    odd["supportingInfo"][0]["valueReference"]["identifier"]["value"] = "xyz"
    for wrong, proven in (
        (claim(one, two), shown[:1]),
        (claim(), shown),
        (claim(one, one), shown),
        (claim(one, provider="clinic"), shown),
        (claim(one, month="2026-10"), shown),
        (claim(one), [proven_for(one, month="2026-12")]),
        (claim(one), [proven_for(one, custodian="clinic")]),
        (claim(one), [hidden]),
        (odd, shown),
        (patient, shown),
    ):
        with pytest.raises(ClaimUnproven):
            check_claim(wrong, proven, trust, 1)
