"""Models on servers that speak the OpenAI protocol: where they are, and whether they are there.

Addresses are typed in by admins, so they are called under the guard of everything that is typed in
(`common/outbound.py`): those in private networks must stand in PINAKES_OUTBOUND_ALLOW.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from genmodels.contract import Fault
from webapp.catalog.models import Connector, Protocol
from webapp.common import chat_protocol, outbound
from webapp.common.encryption import decrypt

_ASK_SECONDS = 10.0
_MAX_LIST_BYTES = 4_000_000
_MAX_NAMES_SAID = 8


@dataclass(frozen=True)
class ServedModel:
    """A model on a server. `url` ends before `/chat/completions`."""

    url: str
    model: str
    protocol: str = Protocol.CHAT
    key: str = field(default="", repr=False)
    seconds: float = 300.0

    @property
    def address(self) -> str:
        """What is asked for a text."""
        is_chat = self.protocol == Protocol.CHAT
        return f"{self.url}/{'chat/completions' if is_chat else 'completions'}"

    @property
    def host(self) -> str:
        """Who is sent the prompts, as people are told."""
        return outbound.parse_destination(self.url).authority


def served_model_of(connector: Connector) -> ServedModel:
    """The model of a connector; raises UnableToDecrypt."""
    return ServedModel(
        url=connector.url,
        model=connector.model,
        protocol=connector.protocol,
        key=decrypt(connector.key) if connector.key else "",
        seconds=float(connector.seconds),
    )


def find_fault(served: ServedModel) -> Fault | None:
    """What keeps this model from answering, asked of its server; None where it would.

    A server that does not list its models is believed.
    """
    try:
        answer = outbound.get(
            f"{served.url}/models",
            headers=chat_protocol.request_headers(served.key),
            total_seconds=_ASK_SECONDS,
            max_answer_bytes=_MAX_LIST_BYTES,
            max_redirects=0,
        )
    except outbound.Forbidden as error:
        return Fault("/url", "invalid", str(error))
    except outbound.Unreachable as error:
        return Fault("/url", "unreachable", f"does not answer: {error}")
    except outbound.AnswerTooLarge:
        return Fault("/url", "unusable", "answers with more than a list of models")
    if answer.status in {401, 403}:
        return Fault("/key", "refused", f"is refused by the server (status {answer.status})")
    if answer.status in {404, 405}:
        return None
    if answer.status != 200:
        return Fault("/url", "unusable", f"answers with status {answer.status} when asked")
    try:
        names = [str(each["id"]) for each in json.loads(answer.body)["data"]]
    except (ValueError, LookupError, TypeError):
        return Fault("/url", "unusable", "does not speak the OpenAI protocol")
    if served.model in names:
        return None
    said = ", ".join(names[:_MAX_NAMES_SAID]) or "none"
    more = "" if len(names) <= _MAX_NAMES_SAID else f" and {len(names) - _MAX_NAMES_SAID} more"
    return Fault("/model", "unknown", f"is not there; the server has: {said}{more}")
