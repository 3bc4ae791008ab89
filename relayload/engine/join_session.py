"""Joins by HMAC, for builds of ZeroMQ without CURVE: bytes in, bytes out.

    worker -> master   ASK        its nonce
    master -> worker   CHALLENGE  both nonces, and a proof that the master has the secret
    both ways          SEALED     a counter, and a proof of it and of the message

The proofs are of keys derived from the secret, both nonces and the worker's identity. So nothing is of use to another
worker, to another master or in another run, nor a second time. Messages can be read on the way, but neither made nor
changed.
"""

import hmac
import secrets
from collections.abc import Callable

from relayload.engine.join_secret import JoinSecret

ASK, CHALLENGE, SEALED, REFUSED = (b"RLJ" + kind for kind in (b"a", b"c", b"s", b"r"))
"""How frames begin. None is a message of Locust's."""

_KIND = 4
_NONCE = _PROOF = 32
_COUNTER = 8
_TO_MASTER, _TO_WORKER, _JOIN = b"to master", b"to worker", b"join"

Nonce = Callable[[int], bytes]


class Session:
    """What one side seals for the other, and opens of it, each message once and in order."""

    def __init__(self, outgoing: bytes, incoming: bytes) -> None:
        self._outgoing, self._incoming = outgoing, incoming
        self._sealed = self._opened = 0

    def sealed(self, message: bytes) -> bytes:
        """Return the frame of a message."""
        self._sealed += 1
        counted = self._sealed.to_bytes(_COUNTER) + message
        return SEALED + _proof(self._outgoing, counted) + counted

    def opened(self, frame: bytes) -> bytes | None:
        """Return the message in a frame; None if the other side did not make it, or if it comes again."""
        proof, counted = frame[_KIND : _KIND + _PROOF], frame[_KIND + _PROOF :]
        if frame[:_KIND] != SEALED or not hmac.compare_digest(proof, _proof(self._incoming, counted)):
            return None
        number = int.from_bytes(counted[:_COUNTER])
        if number <= self._opened:
            return None
        self._opened = number
        return counted[_COUNTER:]


class Joining:
    """The worker's side of a join."""

    def __init__(self, secret: JoinSecret, identity: bytes, nonce: Nonce = secrets.token_bytes) -> None:
        self._secret, self._identity, self._nonce = secret, identity, nonce(_NONCE)

    @property
    def ask(self) -> bytes:
        """The frame that asks for a challenge; to repeat it does no harm."""
        return ASK + self._nonce

    def joined(self, challenge: bytes) -> Session | None:
        """Return the session with the master that sent this challenge.

        None if it answers another question. Raises ValueError if the master has another secret.
        """
        nonce, masters, proof = _split(challenge)
        if not hmac.compare_digest(nonce, self._nonce):
            return None
        keys = _Keys(self._secret, self._identity, nonce + masters)
        if not hmac.compare_digest(proof, keys.proof):
            raise ValueError("the master has another join secret")
        return Session(keys.to_master, keys.to_worker)


class Challenged:
    """The master's side of a join: its challenge to one worker, and the session with it."""

    def __init__(self, secret: JoinSecret, identity: bytes, ask: bytes, nonce: Nonce = secrets.token_bytes) -> None:
        self.ask = ask
        nonces = ask[_KIND:] + nonce(_NONCE)
        keys = _Keys(secret, identity, nonces)
        self.challenge = CHALLENGE + nonces + keys.proof
        self.session = Session(keys.to_worker, keys.to_master)


class _Keys:
    """The keys of one worker and one master for one connection."""

    def __init__(self, secret: JoinSecret, identity: bytes, nonces: bytes) -> None:
        bound = nonces + identity
        self.proof = _proof(secret.key(_JOIN), bound)
        self.to_master = secret.key(_TO_MASTER + bound)
        self.to_worker = secret.key(_TO_WORKER + bound)


def _split(challenge: bytes) -> tuple[bytes, bytes, bytes]:
    first, second = _KIND + _NONCE, _KIND + 2 * _NONCE
    return challenge[_KIND:first], challenge[first:second], challenge[second:]


def _proof(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
