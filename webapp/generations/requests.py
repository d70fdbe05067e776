"""Turns what a form or a client sent into one typed value, with all faults found at once."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from webapp.generations.inputs import InputReference
from webapp.jobs.models import Priority

#: Seeds drawn for people stay below 2**53, so that every JavaScript client reads them exactly.
DRAWN_SEED_BITS = 48


@dataclass(frozen=True)
class SubmitRequest:
    """A wish to generate, not yet checked against the card of a checkpoint."""

    model: str
    prompt: str
    #: With the model `auto`: what those that are chosen from must be able to do.
    task: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, InputReference] = field(default_factory=dict)
    seed: int | None = None
    tags: tuple[str, ...] = ()
    parent_id: uuid.UUID | None = None
    reference_id: uuid.UUID | None = None
    prompt_version_id: uuid.UUID | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    retried_from_id: uuid.UUID | None = None
    reproduces_id: uuid.UUID | None = None
    priority: Priority = Priority.NORMAL
    expires_in_seconds: int | None = None
    deadline_in_seconds: int | None = None
    #: The endpoint that is told of the end, which the app `webhooks` keeps.
    told_to: uuid.UUID | None = None


def draw_seed() -> int:
    """A seed for a request that names none."""
    return secrets.randbits(DRAWN_SEED_BITS)
