"""What every REST view shares: strict serializers, parameters, lists and keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from genmodels.contract import Fault
from webapp.common.problems import invalid

_MAX_KEY_LENGTH = 255

#: Parameters as the description of the interface has them.
PAGE = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]
KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
PREFER = OpenApiParameter("Prefer", str, OpenApiParameter.HEADER)


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


@extend_schema_field(OpenApiTypes.BINARY)
class SentFile(serializers.FileField):
    """A file in a form; described as bytes, since in JSON one would be an address."""


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


def whole_list(data: list[Any]) -> dict[str, Any]:
    """A list document that has everything: of what nobody has so much that it needs pages."""
    return {"data": data, "next_cursor": None, "has_more": False}


def parse_switch(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false, and false where it is not given; raises a 422 Problem."""
    given = query.get(name, "false")
    if given not in {"true", "false"}:
        raise invalid([Fault(f"?{name}", "invalid", "must be true or false")])
    return given == "true"


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
