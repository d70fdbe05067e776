"""What a change of the REST interface would break for clients that know the earlier one.

Both are OpenAPI documents. A client sends what the earlier one allows and reads what it promises,
so a request may only come to allow more, and an answer only to promise more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")


def breaking_changes(before: Json, after: Json) -> list[str]:
    """Every breach as a sentence; none where clients of `before` get on with `after`."""
    return list(_paths(before, after))


def _paths(before: Json, after: Json) -> Iterator[str]:
    for path, operations in before["paths"].items():
        for method in _METHODS:
            if method not in operations:
                continue
            name = f"{method.upper()} {path}"
            now = after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name} is gone"
            else:
                yield from _operation(name, operations[method], now, before, after)


def _operation(name: str, was: Json, now: Json, before: Json, after: Json) -> Iterator[str]:
    yield from _parameters(name, was, now)
    for status, answer in was["responses"].items():
        if status not in now["responses"]:
            yield f"{name} no longer answers {status}"
            continue
        old, new = _body(answer), _body(now["responses"][status])
        if old is not None:
            comparison = _Comparison("answer", before, after, frozenset())
            yield from comparison.compare(f"{name}, answer {status}", old, new or {})
    old, new = _body(was.get("requestBody", {})), _body(now.get("requestBody", {}))
    if new is not None:
        yield from _Comparison("request", before, after, frozenset()).compare(
            f"{name}, request", old or {}, new
        )


def _parameters(name: str, was: Json, now: Json) -> Iterator[str]:
    known = {(each["in"], each["name"]): each for each in was.get("parameters", ())}
    offered = {(each["in"], each["name"]): each for each in now.get("parameters", ())}
    for key in known.keys() - offered.keys():
        yield f"{name} no longer takes {key[1]}"
    for key, each in offered.items():
        was_required = known.get(key, {}).get("required", False)
        if each.get("required", False) and not was_required:
            yield f"{name} now needs {key[1]}"


def _body(holder: Json) -> Json | None:
    for media_type, content in holder.get("content", {}).items():
        if "json" in media_type:
            schema: Json = content.get("schema", {})
            return schema
    return None


@dataclass(frozen=True)
class _Comparison:
    """Compares two schemas; `seen` has the names that are being compared, which may recur."""

    side: Literal["request", "answer"]
    before: Json
    after: Json
    seen: frozenset[tuple[str, str]]

    def compare(self, place: str, was: Json, now: Json) -> Iterator[str]:
        names = (was.get("$ref", ""), now.get("$ref", ""))
        if names in self.seen and any(names):
            return
        inner = _Comparison(self.side, self.before, self.after, self.seen | {names})
        yield from inner._resolved(place, _look_up(self.before, was), _look_up(self.after, now))

    def _resolved(self, place: str, was: Json, now: Json) -> Iterator[str]:
        yield from self._types(place, was, now)
        yield from self._values(place, was, now)
        old, new = was.get("properties", {}), now.get("properties", {})
        for name in old:
            if name not in new:
                yield f"{place}: {name} is gone"
            else:
                yield from self.compare(f"{place}: {name}", old[name], new[name])
        if self.side == "request":
            for name in set(now.get("required", ())) - set(was.get("required", ())):
                yield f"{place}: {name} is needed now"
        else:
            for name in set(was.get("required", ())) - set(now.get("required", ())):
                yield f"{place}: {name} is not always there any more"
        if "items" in was and "items" in now:
            yield from self.compare(f"{place}[]", was["items"], now["items"])

    def _types(self, place: str, was: Json, now: Json) -> Iterator[str]:
        old, new = _types_of(was), _types_of(now)
        if not old or not new:
            return
        lost = old - new if self.side == "request" else new - old
        if lost:
            verb = "no longer takes" if self.side == "request" else "may now be"
            yield f"{place} {verb} {' or '.join(sorted(lost))}"

    def _values(self, place: str, was: Json, now: Json) -> Iterator[str]:
        """Closed lists of values: a request must keep all, an answer may bring others."""
        if self.side == "request" and "enum" in was and "enum" in now:
            lost = [str(value) for value in was["enum"] if value not in now["enum"]]
            if lost:
                yield f"{place} no longer takes {', '.join(lost)}"


def _types_of(schema: Json) -> set[str]:
    kind = schema.get("type", [])
    found = {kind} if isinstance(kind, str) else set(kind)
    # A whole number is a number to every reader.
    return found | {"number"} if "integer" in found else found


def _look_up(document: Json, schema: Json) -> Json:
    """The schema behind a reference, also where it stands alone in an `allOf`."""
    while True:
        alone = schema.get("allOf") if len(schema.get("allOf", ())) == 1 else None
        if alone is not None:
            schema = alone[0]
        elif "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        else:
            return schema
