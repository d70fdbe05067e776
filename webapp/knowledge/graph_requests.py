"""The addresses of the graph's lists, read once into types, with all their faults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from genmodels.contract import Fault
from webapp.common.problems import invalid
from webapp.knowledge.entities_words import EntityKind
from webapp.knowledge.graph_neighbours import MAX_DEPTH, MAX_NODES
from webapp.knowledge.graph_queries import MAX_LIMIT, MAX_PLACES

MAX_QUERY_LENGTH = 200
DEFAULT_LIMIT = 50
_DEFAULT_NEIGHBOURS = 20


@dataclass(frozen=True)
class ListRequest:
    """Which part of which entities; a cursor of these lists is the place they continue at."""

    text: str
    kind: str
    limit: int
    offset: int


@dataclass(frozen=True)
class NeighbourRequest:
    """How far around an entity, and how much of it."""

    depth: int
    limit: int


def parse_list(fields: Mapping[str, str], *, filters: Collection[str] = ()) -> ListRequest:
    """Read a list's parameters; raises a 422 Problem with all faults."""
    reader = _Reader(fields, {"limit", "cursor", *filters})
    text = fields.get("q", "").replace("\x00", "")
    if len(text) > MAX_QUERY_LENGTH:
        reader.fault("q", "too_long", f"must have at most {MAX_QUERY_LENGTH} characters")
    kind = fields.get("kind", "")
    if kind and kind not in set(EntityKind):
        reader.fault("kind", "invalid", f"must be one of {', '.join(EntityKind)}")
    request = ListRequest(
        text=text,
        kind=kind,
        limit=reader.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        offset=reader.number("cursor", 0, 0, MAX_PLACES),
    )
    reader.finish()
    return request


def parse_neighbours(fields: Mapping[str, str]) -> NeighbourRequest:
    """Read the parameters of a neighbourhood; raises a 422 Problem with all faults."""
    reader = _Reader(fields, {"depth", "limit"})
    request = NeighbourRequest(
        depth=reader.number("depth", 1, 1, MAX_DEPTH),
        limit=reader.number("limit", _DEFAULT_NEIGHBOURS, 1, MAX_NODES),
    )
    reader.finish()
    return request


class _Reader:
    """Reads numbers and collects what is wrong."""

    def __init__(self, fields: Mapping[str, str], known: Collection[str]) -> None:
        self._fields = fields
        self._faults = [
            Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
            for name in fields
            if name not in known
        ]

    def fault(self, name: str, code: str, detail: str) -> None:
        self._faults.append(Fault(f"?{name}", code, detail))

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self._fields.get(name)
        if not raw:
            return default
        if raw.isascii() and raw.isdigit() and low <= int(raw[:9]) <= high:
            return int(raw)
        self.fault(name, "out_of_range", f"must be between {low} and {high}")
        return default

    def finish(self) -> None:
        if self._faults:
            raise invalid(self._faults)
