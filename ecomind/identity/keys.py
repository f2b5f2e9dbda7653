"""The text of an API key and what is stored of it.

A key reads ``eco_live_<key id, 8>_<secret, 43><checksum, 6>`` in base 62, and ``eco_pub_...`` when
it is for browsers, which cannot keep it secret: the prefix lets secret scanners find it, the
checksum tells a typing error from an unknown key without a look-up. Only a keyed hash of the
secret is stored; the secret has 256 random bits, so no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 8, 43, 6
_KEY = re.compile(
    rf"^eco_(?P<kind>live|pub)_(?P<key_id>[0-9A-Za-z]{{{_ID_LENGTH}}})_"
    rf"(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})$"
)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(key_id: str, secret: str) -> str:
    return _base62(zlib.crc32(f"{key_id}_{secret}".encode()), _CHECKSUM_LENGTH)


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as its holder knows it; never stored or logged."""

    key_id: str
    secret: str
    is_public: bool = False

    def __str__(self) -> str:
        kind = "pub" if self.is_public else "live"
        return f"eco_{kind}_{self.key_id}_{self.secret}{_checksum(self.key_id, self.secret)}"

    def __repr__(self) -> str:
        return f"KeyText(key_id={self.key_id!r})"

    @classmethod
    def new(cls, is_public: bool = False) -> KeyText:
        """A key with 256 random bits of secret; a public one is for browsers."""
        key_id = "".join(secrets.choice(ALPHABET) for _ in range(_ID_LENGTH))
        return cls(key_id, _base62(secrets.randbits(256), _SECRET_LENGTH), is_public)

    @classmethod
    def parse(cls, text: str) -> KeyText | None:
        """The parts of a key's text, or None when it is not one or mistyped."""
        match = _KEY.match(text)
        if match is None:
            return None
        key = cls(match["key_id"], match["secret"], match["kind"] == "pub")
        expected = _checksum(key.key_id, key.secret)
        return key if hmac.compare_digest(match["checksum"], expected) else None

    def digest(self, pepper: bytes) -> str:
        """What is stored of the secret: HMAC-SHA-256 under the installation's pepper, hex."""
        return hmac.new(pepper, self.secret.encode(), hashlib.sha256).hexdigest()
