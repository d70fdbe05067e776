"""What makes two requests the same."""

import hashlib
import json


def digest_request(body: object) -> str:
    """SHA-256 of a request as JSON with sorted members; what JSON lacks counts by its text."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
