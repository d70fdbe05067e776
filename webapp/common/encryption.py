"""Secrets that must be read again, kept so that the database alone does not give them away."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnableToDecrypt(Exception):
    """The text was encrypted under a key that this site no longer has."""


def encrypt(text: str) -> str:
    """The text under the site's secret key."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text again; raises UnableToDecrypt."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UnableToDecrypt from error


def _fernet() -> MultiFernet:
    """Encrypts under the secret key, and reads what its predecessors encrypted."""
    return MultiFernet(
        [_derive(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _derive(secret_key: str) -> Fernet:
    # A key of its own purpose (RFC 5869): what signs sessions encrypts nothing.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"pinakes encryption 1")
    return Fernet(base64.urlsafe_b64encode(derivation.derive(secret_key.encode())))
