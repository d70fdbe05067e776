"""Results in the words of OpenAI's protocol."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.catalog.models import Checkpoint
from webapp.common.storage import read_blob
from webapp.generations.models import Generation
from webapp.generations.representation import describe_generation
from webapp.grounding.models import Answer
from webapp.grounding.queries import ReadAnswer
from webapp.grounding.representation import describe_citation
from webapp.jobs.models import JobState
from webapp.openai_api.pending import Pending


@dataclass(frozen=True)
class Outcome:
    """How one choice of an answer ended; `fault` says why there is no text."""

    text: str = ""
    fault: str = ""
    finish_reason: str = "stop"
    num_prompt_tokens: int = 0
    num_tokens: int = 0
    annotations: tuple[dict[str, Any], ...] = ()
    pictures: tuple[dict[str, str], ...] = field(default=())


def describe_model(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as an entry of the list of models."""
    return {
        "id": checkpoint.slug,
        "object": "model",
        "created": int(checkpoint.synced_at.timestamp()),
        "owned_by": "pinakes",
    }


def outcome_of_generation(generation: Generation, pending: Pending) -> Outcome:
    """What became of a generation that has ended."""
    body = describe_generation(generation)
    if body["status"] != JobState.SUCCEEDED:
        reason = body["status_reason"] or {}
        return Outcome(fault=reason.get("detail") or f"The generation was {body['status']}.")
    if pending.shape == "images":
        return Outcome(pictures=tuple(_pictures(body["artifacts"], pending)))
    num_tokens = int(body["metrics"].get("tokens", 0))
    asked = body["params"].get("max_new_tokens")
    return Outcome(
        text=body["text"] or "",
        finish_reason="length" if asked is not None and num_tokens >= asked else "stop",
        num_prompt_tokens=int(body["metrics"].get("prompt_tokens", 0)),
        num_tokens=num_tokens,
    )


def _pictures(artifacts: Sequence[dict[str, Any]], pending: Pending) -> Sequence[dict[str, str]]:
    pictures = [each for each in artifacts if each["media_type"].startswith("image/")]
    if pending.links_start_with:
        return [{"url": f"{pending.links_start_with}{each['url']}"} for each in pictures]
    return [
        {"b64_json": base64.b64encode(read_blob(each["sha256"])).decode()} for each in pictures
    ]


def outcome_of_answer(answer: Answer, read: ReadAnswer) -> Outcome:
    """What became of a question, with what it quotes as annotations."""
    if answer.status != JobState.SUCCEEDED:
        job = answer.job
        detail = job.error_detail if job is not None else ""
        return Outcome(fault=detail or f"The answer was {answer.status}.")
    text = read.text or "Nothing in your sources answers this."
    return Outcome(text=text, annotations=tuple(_annotations(text, read)))


def _annotations(text: str, read: ReadAnswer) -> Sequence[dict[str, Any]]:
    """The first place of each number in brackets, and what it stands for."""
    found = []
    for citation in {each.number: each for each in read.citations}.values():
        mark = f"[{citation.number}]"
        start = text.find(mark)
        if start < 0:
            continue
        described = describe_citation(citation)
        link = {
            "start_index": start,
            "end_index": start + len(mark),
            "url": described["origin"]["link"],
            "title": described["origin"]["title"],
        }
        found.append({"type": "url_citation", "url_citation": link})
    return found


def whole_answer(pending: Pending, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The answer to a client that does not stream."""
    if pending.shape == "images":
        pictures = [picture for each in outcomes for picture in each.pictures]
        return {"created": pending.created, "data": pictures}
    return {
        "id": pending.id,
        "object": "chat.completion" if pending.shape == "chat" else "text_completion",
        "created": pending.created,
        "model": pending.model,
        "choices": [_choice(pending, place, outcome) for place, outcome in enumerate(outcomes)],
        "usage": _usage(outcomes),
    }


def _choice(pending: Pending, place: int, outcome: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = {"text": outcome.text}
    if pending.shape == "chat":
        message: dict[str, Any] = {
            "role": "assistant",
            "content": outcome.text,
            "refusal": None,
        }
        if outcome.annotations:
            message["annotations"] = list(outcome.annotations)
        said = {"message": message}
    return {
        "index": place,
        **said,
        "logprobs": None,
        "finish_reason": outcome.finish_reason,
    }


def _usage(outcomes: Sequence[Outcome]) -> dict[str, int]:
    prompt = max(each.num_prompt_tokens for each in outcomes)
    written = sum(each.num_tokens for each in outcomes)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }


def first_chunk(pending: Pending, place: int) -> dict[str, Any] | None:
    """What opens a choice of a streamed chat; completions have no such thing."""
    if pending.shape != "chat":
        return None
    return _chunk(pending, place, {"role": "assistant", "content": ""}, None)


def text_chunk(pending: Pending, place: int, text: str) -> dict[str, Any]:
    """A piece of a choice."""
    return _chunk(pending, place, {"content": text}, None)


def last_chunk(pending: Pending, place: int, outcome: Outcome) -> dict[str, Any]:
    """What ends a choice."""
    delta = {"annotations": list(outcome.annotations)} if outcome.annotations else {}
    return _chunk(pending, place, delta, outcome.finish_reason)


def usage_chunk(pending: Pending, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What comes last where the client asked for it."""
    return {**_frame(pending), "choices": [], "usage": _usage(outcomes)}


def _chunk(
    pending: Pending, place: int, delta: dict[str, Any], finish_reason: str | None
) -> dict[str, Any]:
    said = {"delta": delta} if pending.shape == "chat" else {"text": delta.get("content", "")}
    choice = {"index": place, **said, "logprobs": None, "finish_reason": finish_reason}
    return {**_frame(pending), "choices": [choice]}


def _frame(pending: Pending) -> dict[str, Any]:
    return {
        "id": pending.id,
        "object": "chat.completion.chunk" if pending.shape == "chat" else "text_completion",
        "created": pending.created,
        "model": pending.model,
    }
