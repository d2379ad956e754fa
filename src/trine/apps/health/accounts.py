"""Keep the keys of people who have an account at a custodian, encrypted in files.

An account is one file of the house's keystore, which a password opens: the key with which the
person signs. The key that opens records follows from it by HKDF (RFC 5869), so that there is one
secret to keep, and neither tells the other to whoever sees only one of them.

>>> import tempfile
>>> from pathlib import Path
>>> accounts = Accounts(Keystore(Path(tempfile.mkdtemp()), scrypt_n=2**10), Suite.INTL)
>>> made = accounts.create("dr-li", b"correct horse")
>>> opened = accounts.open("dr-li", b"correct horse")
>>> opened.opening.recipient == made.opening.recipient
True
"""

import contextlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trine.apps.health.history import patient_id
from trine.apps.health.people import Person, Role
from trine.apps.health.recipients import KEY_BYTES, RecipientKey
from trine.crypto import SUITE_ALGORITHMS, Keystore, SecretKey
from trine.crypto.keys import CANDIDATES_MAX
from trine.errors import BadSecretKey
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence import cose

_OPENING_INFO: Final = b"trine/health-opening-key"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's keys in memory, while they are at work."""

    name: str
    """Name of the account."""
    signing: SecretKey
    """Key of requests and consents."""
    opening: RecipientKey
    """Key that opens what is handed out."""

    @property
    def patient(self) -> Digest:
        """Id of the patient whose first key it is, if it is a patient's."""
        return patient_id(cose.public_key(self.signing))

    def person(self, title: str, organisation: str, *roles: Role) -> Person:
        """Describe whose account it is, for `People`.

        Args:
            title: Name of the person.
            organisation: Organisation of the person.
            roles: What the person may do.
        """
        public = self.opening.recipient.public_key
        signing = cose.public_key(self.signing)
        return Person(title, organisation, frozenset(roles), signing, public)


def account_of(name: str, key: SecretKey, suite: Suite) -> Account:
    """Return the account of a signing key that is in memory already.

    Args:
        name: Name of the account.
        key: The signing key.
        suite: Suite of the chain: the key that opens records is one of it.

    Raises:
        BadSecretKey: `CANDIDATES_MAX` numbers were no keys; of SM2 one in 2^32 is none.
    """
    for number in range(CANDIDATES_MAX - 1):
        with contextlib.suppress(BadSecretKey):
            return Account(name, key, _opening_key(key, suite, number))
    return Account(name, key, _opening_key(key, suite, CANDIDATES_MAX - 1))


def _opening_key(key: SecretKey, suite: Suite, number: int) -> RecipientKey:
    info = _OPENING_INFO + bytes([number])
    derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
    return RecipientKey(derive.derive(key.expose()), suite)


class Accounts:
    """The accounts of one custodian."""

    def __init__(self, keys: Keystore, suite: Suite) -> None:
        """Use a keystore, whose files are of mode 0600, on a chain of a suite."""
        self._keys, self._suite = keys, suite

    def create(self, name: str, password: bytes, key: SecretKey | None = None) -> Account:
        """Make an account.

        Args:
            name: 1 to 32 of a-z, 0-9 and -.
            password: What opens it.
            key: Key of the person, where there is one already.

        Raises:
            KeyFileExists: The name is taken.
            BadArgument: The name is not allowed, or the password is empty.
        """
        chosen = key or SecretKey.generate(SUITE_ALGORITHMS[self._suite])
        self._keys.create(name, chosen, password, self._suite)
        return account_of(name, chosen, self._suite)

    def open(self, name: str, password: bytes) -> Account:
        """Open an account; takes half a second and 128 MiB, so that guessing does too.

        Raises:
            NoSuchKeyFile: There is no such account.
            BadPassword: The password is another.
            NotAKeystore: The file is damaged.
        """
        return account_of(name, self._keys.open(name, password), self._suite)

    def names(self) -> list[str]:
        """List the names of the accounts, sorted."""
        return self._keys.names()
