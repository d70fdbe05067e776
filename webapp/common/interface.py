"""What every REST view shares: strict serializers, idempotency and refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from genmodels.contract import Fault
from webapp.common.problems import Problem, invalid

_MAX_KEY_LENGTH = 255


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members that it does not know: a misspelt one must not be ignored in silence."""

    def to_internal_value(self, data: object) -> Any:  # noqa: ANN401 -- as the base class
        """Collect unknown members together with all other faults."""
        faults: dict[str, Any] = {}
        if isinstance(data, Mapping):
            for name in set(data) - set(self.fields):
                faults[name] = [serializers.ErrorDetail("there is no such member", "unknown")]
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                faults.update(error.detail)
                raise serializers.ValidationError(faults) from error
            raise
        if faults:
            raise serializers.ValidationError(faults)
        return value


class Text(serializers.CharField):
    """A JSON string; numbers are not turned into one in silence."""

    def to_internal_value(self, data: object) -> str:
        """Refuse what is not a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class WholeNumber(serializers.IntegerField):
    """A JSON whole number; strings and booleans are not turned into one in silence."""

    def to_internal_value(self, data: object) -> int:
        """Refuse what is not a whole number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


@cache
def list_of(item: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The schema of a list document around `item`: `{data, next_cursor, has_more}`.

    One for each item, because two schemas of the same name would be taken for different ones.
    """
    return inline_serializer(
        name=item.__name__.removesuffix("Output") + "List",
        fields={
            "data": item(many=True),
            "next_cursor": serializers.CharField(allow_null=True),
            "has_more": serializers.BooleanField(),
        },
    )


def parse_body(
    serializer_class: type[serializers.Serializer[Any]], request: Request
) -> dict[str, Any]:
    """The validated body of a request; raises ValidationError with every fault."""
    return dict(_reader(serializer_class).run_validation(request.data))


@cache
def _reader(
    serializer_class: type[serializers.Serializer[Any]],
) -> serializers.Serializer[Any]:
    """One serializer that reads bodies: making its fields anew costs more than reading."""
    return serializer_class()


def idempotency_key(request: Request) -> str | None:
    """The client's key, or None; raises a 422 Problem for one that cannot be kept."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= _MAX_KEY_LENGTH or not key.isprintable():
        detail = f"must have 1 to {_MAX_KEY_LENGTH} printable characters"
        raise invalid([Fault("Idempotency-Key", "invalid", detail)])
    return key


IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)


def wanted_revision(request: Request) -> int | None:
    """The state that a change depends on; None where it depends on none.

    Raises a 412 Problem for what never was the `ETag` of anything here.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return None
    found = re.fullmatch(r'\s*"(\d{1,9})"\s*', wanted, re.ASCII)
    if found is None:
        raise Problem(412, "precondition_failed", "This is no ETag that was given out.")
    return int(found[1])


def key_was_reused() -> Problem:
    """The 422 for a key that came before with another body."""
    detail = "This key came before with another body. Use a new key for a new request."
    return Problem(422, "idempotency_key_reused", detail)


def refused(code: str, detail: str, *, retry_after_seconds: int) -> Problem:
    """The 429 that comes before anything was accepted."""
    return Problem(429, code, detail, headers={"Retry-After": str(retry_after_seconds)})
