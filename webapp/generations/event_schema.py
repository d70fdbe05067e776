"""What the OpenAPI description says of the live streams, which no view answers (`events.py`)."""

from __future__ import annotations

from typing import Any

_ID = {"type": "string", "format": "uuid"}
_COUNT = {"type": "integer"}
_TEXT = {"type": "string"}
_GENERATION = {"$ref": "#/components/schemas/GenerationOutput"}


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


_PROGRESS = {"id": _ID, "done": _COUNT, "total": _COUNT, "unit": _TEXT}
_PREVIEW = _object(**_PROGRESS, media_type=_TEXT, text=_TEXT)
_PREVIEW["properties"] |= {
    "data": {"type": "string", "contentEncoding": "base64", "description": "Of a picture."},
    "length": {"type": "integer", "description": "Of a text, in characters."},
}

#: The `data` of each event of the stream of one generation, and what the event says.
_OF_ONE: dict[str, tuple[str, dict[str, Any]]] = {
    "stream.snapshot": ("How it is as the stream begins.", _GENERATION),
    "generation.status": ("It is in another state.", _GENERATION),
    "generation.progress": ("How far it is.", _object(**_PROGRESS)),
    "generation.preview": ("A whole picture (`data`), or the whole text so far.", _PREVIEW),
    "generation.delta": (
        "Append `text` at `offset`, after which there are `length` characters.",
        _object(**_PROGRESS, offset=_COUNT, length=_COUNT, text=_TEXT),
    ),
    "generation.finished": ("It has ended and changes no more.", _GENERATION),
    "bye": ("The server stops: connect again.", {"type": "object"}),
}
_OF_ALL: dict[str, tuple[str, dict[str, Any]]] = {
    **_OF_ONE,
    "stream.snapshot": (
        "What is active or ended lately, in brief.",
        _object(data={"type": "array", "items": _GENERATION}),
    ),
    "answer.preview": (
        "What a language model has written so far, which nobody has checked yet.",
        _object(id=_ID, text=_TEXT, length=_COUNT),
    ),
    "answer.changed": ("An answer was finished, failed or stopped: read it.", _object(id=_ID)),
    "chain_run.changed": ("A step of a run began or ended: read the run.", _object(id=_ID)),
}

_RESUME = [
    {
        "in": "header",
        "name": "Last-Event-ID",
        "schema": _TEXT,
        "description": "Go on after this event, where the stream still remembers it.",
    },
    {
        "in": "query",
        "name": "after",
        "schema": _TEXT,
        "description": "The same, for who cannot set the header.",
    },
]


def _events(kinds: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One event of a stream, its `data` parsed as JSON."""
    return {
        "type": "object",
        "description": "An event of the stream, its `data` as the JSON that it is.",
        "oneOf": [
            {
                "type": "object",
                "description": what,
                "required": ["event", "data"],
                "properties": {"id": _TEXT, "event": {"const": name}, "data": data},
            }
            for name, (what, data) in kinds.items()
        ],
    }


def _stream(name: str, *, tag: str, summary: str, schema: str, place: str = "") -> dict[str, Any]:
    path = {"in": "path", "name": place, "required": True, "schema": _ID}
    ref = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "get": {
            "operationId": name,
            "tags": [tag],
            "description": summary,
            "parameters": [*([path] if place else []), *_RESUME],
            "security": [{"apiKey": []}, {"cookieAuth": []}],
            "responses": {
                "200": {
                    "description": "Server-sent events, until the stream ends.",
                    "content": {
                        # The description of the next version of OpenAPI has a word for the items
                        # of a stream; readers of this one skip it and find the schema by name.
                        "text/event-stream": {"schema": _TEXT, "x-item-schema": ref}
                    },
                }
            },
        }
    }


def describe_streams(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the streams with the names and the data of their events (a post-processing hook)."""
    schemas = result["components"]["schemas"]
    schemas["GenerationEvent"] = _events(_OF_ONE)
    schemas["OwnEvent"] = _events(_OF_ALL)
    result["paths"]["/api/v1/generations/{generation_id}/events"] = _stream(
        "generations_events",
        tag="generations",
        summary="What happens to one generation while it happens; ends with it.",
        schema="GenerationEvent",
        place="generation_id",
    )
    result["paths"]["/api/v1/events"] = _stream(
        "events",
        tag="events",
        summary="What happens to everything of one's own, until one leaves.",
        schema="OwnEvent",
    )
    return result
