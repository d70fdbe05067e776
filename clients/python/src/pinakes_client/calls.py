"""Requests described as data: what the resources build, and both transports send."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar
from urllib.parse import quote

T_co = TypeVar("T_co", covariant=True)

#: A file to be sent: where it lies, or what it holds under a name.
File: TypeAlias = Path | tuple[str, bytes | BinaryIO]

#: Sending these again asks for the same state again.
_REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T_co]):
    """One request whose answer is a `T_co`; `path` is below `/api/v1`."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    is_streamed: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether a second arrival of the same request changes nothing."""
        return self.method in _REPEATABLE_METHODS or "Idempotency-Key" in self.headers


def fill(template: str, **places: str | int) -> str:
    """Put values into the places of a path, so that none of them can add a step to it."""
    return template.format(**{name: quote(str(value), safe="") for name, value in places.items()})


def query_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of an address; `from_` stands for `from`, None for one that is not given."""
    return {
        name.removesuffix("_"): _spell(value)
        for name, value in values.items()
        if value is not None
    }


def _spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def header_of(name: str, value: str | None) -> dict[str, str]:
    """One header, or none."""
    return {} if value is None else {name: value}


def key_header(key: str | None) -> dict[str, str]:
    """The header that makes sending again safe; without a key of the caller's, a new one."""
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def prefer_header(wait: float | None) -> dict[str, str]:
    """The header that has the server hold its answer back for the end of the work."""
    return {} if wait is None else {"Prefer": f"wait={wait:g}"}


class Received(dict[str, Any]):
    """A JSON object as it came, with what its headers said."""

    etag: str | None = None


def etag_of(received: object) -> str | None:
    """The `ETag` under which an object was read, for `if_match` of a change of it."""
    return received.etag if isinstance(received, Received) else None
