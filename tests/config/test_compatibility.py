"""The agreed description of the REST interface, and what would break its clients."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from webapp.config.compatibility import breaking_changes
from webapp.config.management.commands.openapi import AGREED, current_description

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/boats": {
            "post": {
                "parameters": [{"in": "query", "name": "dry", "required": False}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/BoatInput"}}
                    }
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Boat"}}
                        }
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "BoatInput": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "kind": {"type": "string", "enum": ["canoe", "ferry"]},
                    "crew": {"type": ["integer", "null"]},
                },
            },
            "Boat": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "tender": {"$ref": "#/components/schemas/Boat"},
                },
            },
        }
    },
}


def _changed(change: Callable[[SimpleNamespace], object]) -> dict[str, Any]:
    """The document after a change of the operation, of what is sent, or of what is got."""
    document = copy.deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    operation = document["paths"]["/boats"]["post"]
    change(SimpleNamespace(post=operation, sent=schemas["BoatInput"], got=schemas["Boat"]))
    return document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.post["parameters"].clear(), "no longer takes dry"),
        (lambda it: it.post["parameters"][0].update(required=True), "now needs dry"),
        (lambda it: it.post["responses"].pop("201"), "no longer answers 201"),
        (lambda it: it.sent["required"].append("kind"), "kind is needed now"),
        (lambda it: it.sent["properties"].pop("crew"), "crew is gone"),
        (
            lambda it: it.sent["properties"]["crew"].update(type="integer"),
            "no longer takes null",
        ),
        (
            lambda it: it.sent["properties"]["kind"]["enum"].remove("ferry"),
            "no longer takes ferry",
        ),
        (lambda it: it.got["properties"].pop("name"), "name is gone"),
        (lambda it: it.got["required"].remove("name"), "not always there"),
        (
            lambda it: it.got["properties"]["id"].update(type=["string", "null"]),
            "may now be null",
        ),
    ],
)
def test_what_breaks_clients_is_told(change: Any, said: str) -> None:
    breaches = breaking_changes(DOCUMENT, _changed(change))
    assert breaches
    assert all("POST /boats" in each for each in breaches)
    assert said in breaches[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.sent["required"].clear(),
        lambda it: it.sent["properties"].update(colour={"type": "string"}),
        lambda it: it.sent["properties"]["kind"]["enum"].append("raft"),
        lambda it: it.got["properties"].update(colour={"type": "string"}),
        lambda it: it.post["responses"].update({"202": {}}),
        lambda it: it.post["parameters"].append({"in": "query", "name": "wet"}),
    ],
)
def test_what_only_adds_breaks_nobody(change: Any) -> None:
    assert breaking_changes(DOCUMENT, _changed(change)) == []


def test_a_path_that_is_gone_breaks_whoever_used_it() -> None:
    gone = {**DOCUMENT, "paths": {}}
    assert breaking_changes(DOCUMENT, gone) == ["POST /boats is gone"]


def test_the_code_keeps_to_the_agreed_description() -> None:
    agreed, now = json.loads(AGREED.read_text(encoding="utf-8")), current_description()
    assert breaking_changes(agreed, now) == []
    assert agreed == now, "run `make openapi`, and look at what it changed"
