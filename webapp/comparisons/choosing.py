"""The form that starts a comparison: what its fields show, and how they are read back."""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from genmodels.contract import MAX_SEED, Fault, InvalidRequest
from webapp.catalog.models import Checkpoint
from webapp.generations.comparing import FAMILIES_WISH, MAX_MODELS, ComparisonRequest
from webapp.generations.requests import SubmitRequest


@dataclass(frozen=True)
class Draft:
    """What stands in the fields, as text and not yet checked."""

    prompt: str = ""
    models: tuple[str, ...] = ()
    takes_families: bool = False
    is_blind: bool = False
    same_seed: bool = True
    seed: str = ""


@dataclass(frozen=True)
class Choice:
    """One model to tick."""

    checkpoint: Checkpoint
    is_chosen: bool


@dataclass(frozen=True)
class Shelf:
    """The models of one family."""

    family: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Chooser:
    """Everything that the form shows."""

    draft: Draft
    shelves: tuple[Shelf, ...]
    faults: tuple[str, ...] = ()
    most: int = MAX_MODELS
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


def read_draft(fields: QueryDict) -> Draft:
    """Take the fields as they were sent; what an address leaves out has its usual value."""
    models = tuple(dict.fromkeys(slug for slug in fields.getlist("models") if slug))
    return Draft(
        prompt=fields.get("prompt", "").replace("\r\n", "\n"),
        models=models,
        takes_families=fields.get("which", "") == FAMILIES_WISH,
        is_blind=fields.get("blind") == "on",
        same_seed=fields.get("other_seeds") != "on",
        seed=fields.get("seed", "").strip(),
    )


def make_chooser(
    draft: Draft, checkpoints: Sequence[Checkpoint], faults: Sequence[str] = ()
) -> Chooser:
    """The form for what was typed so far; `checkpoints` come by family."""
    shelves = tuple(
        Shelf(family, tuple(Choice(row, row.slug in draft.models) for row in rows))
        for family, rows in itertools.groupby(checkpoints, key=lambda row: row.family)
    )
    return Chooser(draft, shelves, tuple(faults))


def read_request(draft: Draft) -> ComparisonRequest:
    """The comparison that a draft asks for; raises InvalidRequest for a seed that is none."""
    seed = None
    if draft.seed:
        is_number = draft.seed.isascii() and draft.seed.isdigit()
        if not is_number or len(draft.seed) > len(str(MAX_SEED)):
            detail = f"must be a whole number between 0 and {MAX_SEED}"
            raise InvalidRequest([Fault("/seed", "invalid", detail)])
        seed = int(draft.seed)
    return ComparisonRequest(
        each=SubmitRequest(model="", prompt=draft.prompt, seed=seed),
        models=FAMILIES_WISH if draft.takes_families else draft.models,
        same_seed=draft.same_seed,
        is_blind=draft.is_blind,
    )


def say_fault(fault: Fault) -> str:
    """A fault as a sentence; one of a single model names that model itself."""
    label, _, place = fault.pointer.removeprefix("/").partition("/")
    return fault.detail if place else f"{label.capitalize()}: {fault.detail}"


def form_key(fields: QueryDict) -> str | None:
    """One key for one press of the button: the form's own number and what it held."""
    if not fields.get("key"):
        return None
    held = json.dumps(sorted((name, sorted(values)) for name, values in fields.lists()))
    return f"compare:{hashlib.sha256(held.encode()).hexdigest()}"
