"""Let a browser's passkey sign a transaction of a real network."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.page.conftest import Network
from tests.suite import SUITE
from trine import errors
from trine.client import Client
from trine.crypto import Assertion, PasskeyKey, SecretKey
from trine.model import p256
from trine.model.hashing import Suite
from trine.model.keys import signed_bytes
from trine.types import KeyAdd, KeyRevoke
from trine.types.calls import PublicKey

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
BASE64 = """
const toText = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const toBytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
"""
MAKE = (
    "async () => {"
    + BASE64
    + """
  const made = await navigator.credentials.create({publicKey: {
    challenge: new Uint8Array(32),
    rp: {name: "Test"},
    user: {id: new Uint8Array(16), name: "alice", displayName: "Alice"},
    pubKeyCredParams: [{type: "public-key", alg: -7}],
    authenticatorSelection: {userVerification: "required"},
  }});
  return [toText(made.rawId), toText(made.response.getPublicKey())];
}"""
)
ASK = (
    "async ([id, challenge, userVerification]) => {"
    + BASE64
    + """
  const asserted = await navigator.credentials.get({publicKey: {
    challenge: toBytes(challenge),
    allowCredentials: [{type: "public-key", id: toBytes(id)}],
    userVerification,
  }});
  return asserted.toJSON();
}"""
)

pytestmark = pytest.mark.skipif(SUITE is Suite.GM, reason="the suite gm admits SM2 alone")


@dataclass(frozen=True)
class Wallet:
    """A page in a secure context, with an authenticator that always agrees."""

    page: Page
    session: CDPSession
    authenticator: str

    def verifies_users(self, verifies: bool) -> None:
        """Let the owner give the right PIN, or none."""
        told = {"authenticatorId": self.authenticator, "isUserVerified": verifies}
        self.session.send("WebAuthn.setUserVerified", told)

    def make_passkey(self, user_verification: str = "required") -> PasskeyKey:
        """Make a passkey in the browser, and the way to ask for its assertions."""
        credential, spki = self.page.evaluate(MAKE)

        def ask(challenge: bytes) -> Assertion:
            asked = [credential, b64encode(challenge).decode(), user_verification]
            document: dict[str, Any] = self.page.evaluate(ASK, asked)
            return Assertion.from_json(document)

        return PasskeyKey.from_registration(b64decode(spki), ask)


@pytest.fixture
def wallet(browser: Browser, network: Network) -> Iterator[Wallet]:
    """A wallet in a new page."""
    page = browser.new_page()
    page.goto(network.url.replace("127.0.0.1", "localhost") + "/")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield Wallet(page, session, made["authenticatorId"])
    page.close()


def test_a_passkey_signs_transactions(wallet: Wallet, network: Network) -> None:
    """Goal: a person without a key file acts on the chain. Method: Chromium makes a passkey; its
    account adds a second key; the model reads the same bytes and gives the same verdict."""
    key = wallet.make_passkey()
    network.trine("account", "create", f"p256:{key.public_key.hex()}")
    added = SecretKey.generate()
    with Client(network.url, key=key) as client:
        final = client.submit(KeyAdd(PublicKey("ed25519", added.public_key), modules=2))
        assert final.outcome.code == "ok"
        assert final.sender == key.address()
    # Bit 1: the second key may call the module of accounts.
    with Client(network.url, key=added, address=final.sender, key_index=1) as client:
        assert client.submit(KeyRevoke(key_index=1)).outcome.code == "ok"
    challenge = b"\x01" * 32
    signature = key.sign(b"example", challenge)
    assert p256.verify(key.public_key, signed_bytes(b"example", challenge), signature)
    assert not p256.verify(key.public_key, signed_bytes(b"another", challenge), signature)


def test_a_user_who_is_not_verified_signs_nothing(wallet: Wallet) -> None:
    """Goal: a security key that was found signs nothing. Method: one without PIN or fingerprint."""
    key = wallet.make_passkey("discouraged")
    wallet.verifies_users(False)
    with pytest.raises(errors.BadSignature, match="verified user"):
        key.sign(b"example", b"message")
