"""Say who sends: a key, its account, and the nonces that this process has taken.

>>> from trine.client.sender import Sender
>>> from trine.crypto import SecretKey
>>> sender = Sender(SecretKey("ed25519", bytes(32)))
>>> sender.meet("intl")
>>> sender.address.hex()[:8]
'b995cc19'
"""

from trine.client.nonces import Nonces
from trine.crypto import SigningKey
from trine.types import Address


class Sender:
    """An account that sends, with the key that signs for it. Safe between threads.

    It remembers the nonces that are on their way: give one object to all that submit for the
    account in this process.
    """

    def __init__(self, key: SigningKey, address: Address | None = None, key_index: int = 0) -> None:
        """Sign with `key`, which is key `key_index` of an account; by default, its own."""
        self.key = key
        self._address = address
        self.key_index = key_index
        self.nonces = Nonces()

    def meet(self, suite: str) -> None:
        """Learn the suite of the chain, which decides how addresses are made."""
        if self._address is None:
            self._address = Address(self.key.address(suite))

    @property
    def address(self) -> Address:
        """Address of the account; the sender has met the chain before."""
        assert self._address is not None, "the session knows its chain"
        return self._address
