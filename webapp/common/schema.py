"""What the OpenAPI description says of every operation alike: how it fails, and is read again."""

from __future__ import annotations

from typing import Any

from webapp.common.problems import CONTENT_TYPE, PROBLEM_TYPES

_FAULT = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": list(PROBLEM_TYPES)},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": _FAULT},
        "retry_after_s": {"type": "integer"},
    },
}


_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of what one has: 304 where it is still so.",
}


def add_tags(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every read `If-None-Match` and the answer 304 (a post-processing hook as well)."""
    for operations in result["paths"].values():
        read = operations.get("get", {"responses": {}})
        if "application/json" in read["responses"].get("200", {}).get("content", {}):
            read.setdefault("parameters", []).append(_IF_NONE_MATCH)
            read["responses"]["304"] = {"description": "It is as it was."}
    return result


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the answers 4XX and 5XX (a post-processing hook of drf-spectacular)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, what in (("4XX", "Not accepted."), ("5XX", "Failed on the server.")):
                operation["responses"].setdefault(
                    status, {"description": what, "content": content}
                )
    return result
