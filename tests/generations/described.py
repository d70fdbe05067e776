"""The events of the live streams, checked against what the OpenAPI description says of them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has none

from webapp.config.management.commands.openapi import AGREED


@cache
def _validator(schema: str) -> Draft202012Validator:
    description = json.loads(AGREED.read_text(encoding="utf-8"))
    root = {"$ref": f"#/components/schemas/{schema}", "components": description["components"]}
    return Draft202012Validator(root)


def faults_of(event: str, data: Any, *, schema: str) -> list[str]:
    """What is wrong with an event of the stream that `schema` describes."""
    errors = _validator(schema).iter_errors({"event": event, "data": data})
    return [f"{event}: {error.message}" for error in errors]


def names_of(schema: str) -> set[str]:
    """The events that the description names."""
    members = _validator(schema).schema["components"]["schemas"][schema]["oneOf"]
    return {each["properties"]["event"]["const"] for each in members}
