"""What is sent: body and signatures by the Standard Webhooks specification, version 1."""

from __future__ import annotations

import base64
import datetime
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from standardwebhooks import Webhook

_START = "whsec_"
_SECRET_BYTES = 32
#: Larger objects are sent as id and links only.
MAX_DATA_BYTES = 64 * 1024
_ESSENTIAL = ("id", "accession", "status", "status_seq", "terminal", "links")


def generate_secret() -> str:
    """A signing secret of 256 random bits."""
    return _START + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def make_body(*, event_type: str, at: datetime.datetime, data: Mapping[str, Any]) -> bytes:
    """The message `{type, timestamp, data}`."""
    whole = json.dumps(data, ensure_ascii=False)
    if len(whole.encode()) > MAX_DATA_BYTES:
        data = {name: data[name] for name in _ESSENTIAL if name in data}
    timestamp = at.isoformat().replace("+00:00", "Z")
    message = {"type": event_type, "timestamp": timestamp, "data": data}
    return json.dumps(message, ensure_ascii=False).encode()


def sign(
    *, message_id: str, at: datetime.datetime, body: bytes, signing_secrets: Sequence[str]
) -> dict[str, str]:
    """The headers of a message: one signature for each secret that holds now."""
    signatures = [
        Webhook(secret).sign(message_id, at, body.decode()) for secret in signing_secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
