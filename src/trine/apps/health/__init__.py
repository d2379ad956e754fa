"""Keep health records: FHIR resources checked, sealed, committed to a chain, opened by consent.

Read (`reading`), check (`validation`, `bundles`), write canonically (`canonical`), seal and store
(`records`); `generator` makes records up. What is stored and committed is specified in
`docs/reference/health-records.md`.

Records are opened by consent (`consent`, `access`) or in an emergency (`breakglass`), and either is
in the patient's history first (`custody`, `history`). Patients (`patient`), insurers (`claims`),
researchers (`research`) and regulators (`oversight`) check what concerns them:
`docs/reference/health-access.md`.

A hospital joins all of it in one folder (`hospital`, `accounts`, `admissions`), people act at it
with their accounts (`actions`), and its files are checked with no node (`offline`).

>>> import tempfile
>>> from pathlib import Path
>>> from trine.apps.health.bundles import validate_all
>>> from trine.apps.health.definitions import Release
>>> from trine.apps.health.reading import read_file
>>> from trine.apps.health.recipients import RecipientKey
>>> from trine.apps.health.records import Records, Suite
>>> from trine.apps.health.store import FolderStore
>>> folder = Path(tempfile.mkdtemp())
>>> size = (folder / "export.ndjson").write_text('{"resourceType":"Patient","active":true}')
>>> received = read_file(folder / "export.ndjson")
>>> checked = (one for read in received for one in validate_all(read, Release.R4))
>>> records = Records(FolderStore(folder), Suite.INTL, "hospital")
>>> doctor = RecipientKey.generate()
>>> for batch in records.keep_all(checked, Release.R4, [doctor.recipient]):
...     entries = [kept.entry for kept in batch]  # for the custodian's evidence log
>>> records.open(entries[0], doctor).resource
b'{"active":true,"resourceType":"Patient"}'
"""
