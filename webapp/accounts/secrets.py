"""How API keys are made and kept."""

import hashlib
import secrets

_START = "pnk_"


def generate_key() -> str:
    """A key of 256 random bits, with a start by which leaked keys can be recognised."""
    return _START + secrets.token_urlsafe(32)


def digest_key(secret: str) -> str:
    """The form in which a key is kept and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()
