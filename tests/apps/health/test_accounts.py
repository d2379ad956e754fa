"""Test that accounts keep their keys encrypted, and that patients are admitted once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.apps.health.world import CUSTODIAN, PRIVATE_KEY, World, run, terms_for
from trine.apps.health.accounts import Accounts, account_of
from trine.apps.health.admissions import Admissions
from trine.apps.health.consent import CONSENT_TYPE, resource_of
from trine.apps.health.definitions import Release
from trine.apps.health.history import Speaker, Speaks, patient_id
from trine.apps.health.people import Role
from trine.apps.health.sealing import Facts, open_sealed, seal
from trine.apps.health.statements import sign_said
from trine.apps.health.validation import validate
from trine.crypto import Keystore, SecretKey
from trine.errors import BadPassword, KeyFileExists, TrineError
from trine.errors.health import HistoryNotFound
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence import cose

SCRYPT_N = 2**10


@pytest.mark.parametrize("suite", list(Suite))
def test_an_account_is_one_encrypted_file(suite: Suite, tmp_path: Path) -> None:
    """Goal: keys lie encrypted for their owner alone; the right password brings both back.

    Method: make, look at the file, open rightly and wrongly, take the name again; a record that is
    sealed for the account opens.
    """
    accounts = Accounts(Keystore(tmp_path, scrypt_n=SCRYPT_N), suite)
    made = accounts.create("dr-li", b"correct horse")
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_text()
    for secret in (made.signing.expose(), made.opening.expose()):
        assert secret.hex() not in content
    assert made.signing.expose() != made.opening.expose()
    with pytest.raises(BadPassword):
        accounts.open("dr-li", b"wrong horse")
    with pytest.raises(KeyFileExists):
        accounts.create("dr-li", b"correct horse")
    opened = accounts.open("dr-li", b"correct horse")
    assert opened.signing.public_key == made.signing.public_key
    facts = Facts("4.0", "Patient", "", CUSTODIAN)
    sealed, keys = seal(facts, b'{"a":1}', [made.opening.recipient], suite)
    assert open_sealed(sealed.encode(), keys.encode(), opened.opening).resource == b'{"a":1}'
    assert accounts.names() == ["dr-li"]
    person = opened.person("Dr. Li", CUSTODIAN, Role.CLINICIAN)
    assert person.id == made.opening.recipient.id


def test_a_patient_is_admitted_once(tmp_path: Path) -> None:
    """Goal: the hospital's own id names one patient for good, also over starts and at once.

    Method: admit many at once, each twice; start anew; keys that were brought and keys that were
    made; the key that was made signs a consent that counts.
    """

    async def work() -> None:
        world = World(tmp_path)
        admissions = Admissions(world.custody)
        names = [f"p-{number}" for number in range(40)]
        await admissions.admit_all(names + names)
        found = [admissions.find(name) for name in names]
        assert len(set(found)) == len(names)
        world.start()
        again = Admissions(world.custody)
        assert [await again.admit(name) for name in names] == found
        assert {one.id for one in again.everyone()} == set(found)
        brought = [Speaker(Speaks.PATIENT, cose.public_key(PRIVATE_KEY))]
        patient = await again.admit("own-key", brought)
        assert patient == patient_id(brought[0].key)
        with pytest.raises(HistoryNotFound):
            again.key_of("own-key")
        with pytest.raises(HistoryNotFound):
            again.find("p-40")
        await consent(world, found[0], again.key_of("p-0"))
        again.forget_key("p-0")
        with pytest.raises(HistoryNotFound):
            again.key_of("p-0")
        assert (await again.admit("p-0"), again.find("p-0")) == (found[0], found[0])

    run(work())


async def consent(world: World, patient: Digest, key: SecretKey) -> None:
    """Give a consent with a key; the history must have it."""
    terms = terms_for(patient)
    statement = sign_said(
        resource_of(terms), key, subject=terms.identifier, now_ms=world.now_ms,
        content_type=CONSENT_TYPE,
    )  # fmt: skip
    await world.custody.give_consent(patient, statement)
    assert set((await world.custody.read(patient)).consents) == {terms.identifier}


def test_a_cut_admission_goes_on(tmp_path: Path) -> None:
    """Goal: whoever was cut off while a history was opened is admitted with the same key.

    Method: a log that fails at the first append; then admit again.
    """

    class Cut(Exception):
        """The program ends here."""

    async def fail() -> None:
        raise Cut

    async def work() -> None:
        world = World(tmp_path)
        world.memory.before.append(fail)
        with pytest.raises(Cut):
            await Admissions(world.custody).admit("p-1")
        patient = Admissions(world.custody).find("p-1")
        assert await Admissions(world.custody).admit("p-1") == patient
        assert (await world.custody.read(patient)).next == 1

    run(work())


def test_the_list_shows_names_while_they_are_kept(tmp_path: Path) -> None:
    """Goal: people see whom they treat, and an erased name is gone.

    Method: a patient with a record of the name, and one without; erase the record.
    """
    named = {
        "resourceType": "Patient", "id": "p-1", "birthDate": "1970-03-05",
        "name": [{"family": "Novák", "given": ["Jana", "Eva"]}],
    }  # fmt: skip

    async def work() -> None:
        world = World(tmp_path)
        admissions = Admissions(world.custody)
        patient = await admissions.admit("p-1")
        nobody = await admissions.admit("p-2")
        [kept] = await world.custody.keep(patient, [validate(named, Release.R4)], Release.R4)
        admissions.name(patient, kept.entry)
        shown = admissions.patient(patient)
        assert (shown.name, shown.birth_date, shown.records) == ("Jana Eva Novák", "1970-03-05", 1)
        assert admissions.patient(nobody).name == ""
        assert named["birthDate"] not in world.custody.date(patient, kept.entry)
        world.custody.erase(kept.entry)
        assert list(world.store.names("filed")) == []
        shown = admissions.patient(patient)
        assert (shown.name, shown.birth_date, shown.records) == ("", "", 0)
        with pytest.raises(HistoryNotFound):
            admissions.patient(Digest(bytes(32)))

    run(work())


def test_another_hospital_cannot_unwrap_patients_keys(tmp_path: Path) -> None:
    """Goal: the keys that a hospital made for patients are of no use to who copies the store.

    Method: look for the secret in every byte of the store; read it with another custodian's key.
    """

    async def work() -> Sequence[bytes]:
        world = World(tmp_path)
        admissions = Admissions(world.custody)
        await admissions.admit("p-1")
        return [admissions.key_of("p-1").expose()]

    [secret] = run(work())
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret not in content
    assert secret.hex().encode() not in content
    other = World(tmp_path)
    object.__setattr__(other.custody.base, "key", account_of("x", PRIVATE_KEY, Suite.INTL).opening)
    with pytest.raises(TrineError):
        Admissions(other.custody).key_of("p-1")
