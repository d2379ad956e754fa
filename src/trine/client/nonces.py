"""Give each transaction of an account a nonce of its own.

>>> from trine.client.nonces import Nonces
>>> nonces = Nonces()
>>> nonces.learn(base=7, used=0b10)
>>> nonces.reserve(3)
[7, 9, 10]
"""

import threading

from trine.types.identifiers import Nonce
from trine.types.limits import NONCE_WINDOW


class Nonces:
    """The free nonces of one account, as far as this process knows. Safe between threads."""

    def __init__(self) -> None:
        """Know nothing yet: `learn` comes first."""
        self._lock = threading.Lock()
        self._known = False
        self._base = 0
        self._used: set[int] = set()
        self._reserved: set[int] = set()

    @property
    def is_known(self) -> bool:
        """Whether the account's window was learned."""
        with self._lock:
            return self._known

    def learn(self, base: int, used: int) -> None:
        """Take over the window of the account's final state.

        Args:
            base: Lowest nonce of the window.
            used: Bit `i` is set when nonce `base + i` is used.
        """
        with self._lock:
            self._known = True
            if base < self._base:
                return
            # What a lost transaction left behind is free again; should the node that answered be
            # behind, the chain refuses the reuse and the caller signs anew.
            self._used = {base + i for i in range(NONCE_WINDOW) if used >> i & 1}
            self._base = base
            self._advance()

    def reserve(self, count: int) -> list[Nonce]:
        """Take up to `count` free nonces of the window; fewer, or none, when it is taken up."""
        with self._lock:
            window = range(self._base, self._base + NONCE_WINDOW)
            free = (n for n in window if n not in self._used and n not in self._reserved)
            taken = [Nonce(nonce) for nonce, _ in zip(free, range(count), strict=False)]
            self._reserved.update(taken)
            return taken

    def finish(self, nonce: int, *, used: bool) -> None:
        """Give a reserved nonce back: as used, or free for another transaction."""
        with self._lock:
            self._reserved.discard(nonce)
            if used and nonce >= self._base:
                self._used.add(nonce)
                self._advance()

    def _advance(self) -> None:
        while self._base in self._used:
            self._used.discard(self._base)
            self._base += 1
