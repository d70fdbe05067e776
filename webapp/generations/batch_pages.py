"""Pages of batches: what was asked for at once, laid out by what differs."""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import Scalar
from webapp.accounts.models import User
from webapp.common.pagination import PageRequest, parse_page
from webapp.common.problems import Problem
from webapp.generations import operations, queries
from webapp.generations.cards import GenerationCard, make_cards
from webapp.generations.input_fields import given_files
from webapp.generations.models import Batch
from webapp.generations.pages import signed_in_user

_PER_PAGE = 24
#: Results of each batch that the list of batches shows.
_SAMPLES = 4
_ACTIVE = ("queued", "running", "canceling")


@dataclass(frozen=True)
class Row:
    """One row of a grid; a cell is None where its generation is no more."""

    heading: str
    cells: tuple[GenerationCard | None, ...]


@dataclass(frozen=True)
class Grid:
    """Generations by what they differ in. With one axis, or none, there is one row per cell."""

    row_word: str
    column_word: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def is_table(self) -> bool:
        """Whether there are rows and columns, rather than one thing after the other."""
        return bool(self.columns)


@dataclass(frozen=True)
class BatchFace:
    """What is shown of a batch as a whole."""

    id: uuid.UUID
    prompt: str
    num_prompts: int
    words: str
    total: int
    done: int
    counts: tuple[tuple[str, int], ...]
    terminal: bool
    changeable: bool
    trashed: bool
    own: bool
    batch: Batch
    samples: tuple[GenerationCard, ...] = ()


def make_face(
    batch: Batch,
    counts: Mapping[str, int],
    *,
    viewer: User,
    samples: Sequence[GenerationCard] = (),
) -> BatchFace:
    """The face of a batch with so many generations of each status."""
    active = sum(counts.get(status, 0) for status in _ACTIVE)
    prompts = batch.prompts
    return BatchFace(
        id=batch.id,
        prompt=prompts[0],
        num_prompts=len(prompts),
        words=" × ".join(_axis_words(axis) for axis in batch.axes if len(axis["values"]) > 1),
        total=batch.total,
        done=batch.total - active,
        counts=tuple(sorted(counts.items())),
        terminal=active == 0,
        changeable=batch.owner_id == viewer.id or viewer.runs_the_site,
        trashed=batch.trashed_at is not None,
        own=batch.owner_id == viewer.id,
        batch=batch,
        samples=tuple(samples),
    )


def _axis_words(axis: Mapping[str, Any]) -> str:
    count, name = len(axis["values"]), axis["name"]
    if name in {"prompt", "seed"}:
        return f"{count} {name}s"
    return f"{count} values of {_name_words(name)}"


def _name_words(name: str) -> str:
    return name.replace("_", " ")


def lay_out(axes: Sequence[Mapping[str, Any]], cards: Mapping[int, GenerationCard]) -> Grid:
    """The grid of a batch: the last axis that varies goes across, all others together down."""
    varying = [axis for axis in axes if len(axis["values"]) > 1]
    down, across = (varying[:-1], varying[-1:]) if len(varying) > 1 else (varying, [])
    width = math.prod(len(axis["values"]) for axis in across)
    rows = []
    for place, values in enumerate(itertools.product(*(axis["values"] for axis in down))):
        heading = ", ".join(
            _value_words(axis["name"], value) for axis, value in zip(down, values, strict=True)
        )
        cells = tuple(cards.get(place * width + step) for step in range(width))
        rows.append(Row(heading, cells))
    return Grid(
        row_word=" and ".join(_name_words(axis["name"]) for axis in down).capitalize(),
        column_word=_name_words(across[0]["name"]) if across else "",
        columns=tuple(
            _value_words(axis["name"], value) for axis in across for value in axis["values"]
        ),
        rows=tuple(rows),
    )


def _value_words(name: str, value: Scalar) -> str:
    match value:
        case bool():
            said = "yes" if value else "no"
        case float():
            said = f"{value:g}"
        case _:
            said = str(value)
    return said if name == "prompt" else f"{_name_words(name)} {said}"


def _find_or_404(request: HttpRequest, batch_id: uuid.UUID) -> Batch:
    """The batch if the user may see it; a stranger's is answered like a missing one."""
    try:
        return queries.get_batch(user=signed_in_user(request), batch_id=batch_id)
    except queries.UnableToFindBatch as error:
        raise Http404 from error


@login_required
@require_GET
def list_batches(request: HttpRequest) -> HttpResponse:
    """One's batches, newest first, with a few results of each."""
    user = signed_in_user(request)
    trashed = request.GET.get("trash") == "1"
    page = queries.list_batches(user=user, trashed=trashed, page=_page(request))
    ids = [batch.id for batch in page.rows]
    counts = queries.count_batches(ids)
    samples: dict[uuid.UUID, list[GenerationCard]] = {batch_id: [] for batch_id in ids}
    rows = queries.list_first_cells(batch_ids=ids, count=_SAMPLES)
    for row, card in zip(rows, make_cards(generations=rows, viewer=user), strict=True):
        if row.batch_id is not None:
            samples[row.batch_id].append(card)
    faces = [
        make_face(batch, counts[batch.id], viewer=user, samples=samples[batch.id])
        for batch in page.rows
    ]
    context = {
        "faces": faces,
        "trashed": trashed,
        "cursor": request.GET.get("cursor", ""),
        "next_cursor": page.next_cursor,
    }
    return render(request, "generations/batches.html", context)


def _page(request: HttpRequest) -> PageRequest:
    """The part of the list that the address asks for; the newest where it makes no sense."""
    cursor = request.GET.get("cursor", "")
    try:
        after = parse_page({"cursor": cursor}).after if cursor else None
    except Problem:
        after = None
    return PageRequest(limit=_PER_PAGE, after=after)


@login_required
@require_GET
def show_batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The grid of a batch."""
    batch = _find_or_404(request, batch_id)
    user = signed_in_user(request)
    rows = queries.list_cells(batch=batch)
    cards = make_cards(generations=rows, viewer=user)
    placed = {
        row.batch_place: card
        for row, card in zip(rows, cards, strict=True)
        if row.batch_place is not None
    }
    context = {
        "face": make_face(batch, queries.count_batches([batch.id])[batch.id], viewer=user),
        "grid": lay_out(batch.axes, placed),
        # All of them start from the same files.
        "given_files": given_files(rows[0]) if rows else (),
    }
    return render(request, "generations/batch.html", context)


def _change(
    request: HttpRequest, batch_id: uuid.UUID, act: Callable[[Batch], str]
) -> HttpResponse:
    """Do something to a batch and go back to it; whoever only sees it is refused."""
    batch = _find_or_404(request, batch_id)
    user = signed_in_user(request)
    if batch.owner_id != user.id and not user.runs_the_site:
        raise PermissionDenied
    messages.info(request, act(batch))
    return redirect("batch", batch_id=batch_id)


@login_required
@require_POST
def cancel(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Stop all that has not ended."""

    def act(batch: Batch) -> str:
        operations.cancel_batch(batch=batch)
        return "What had not ended is canceled."

    return _change(request, batch_id, act)


@login_required
@require_POST
def trash(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash with all its generations, from where they can come back."""

    def act(batch: Batch) -> str:
        operations.trash_batch(batch=batch)
        return "The batch and its generations are in the trash."

    return _change(request, batch_id, act)


@login_required
@require_POST
def restore(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""

    def act(batch: Batch) -> str:
        operations.restore_batch(batch=batch)
        return "The batch is back in the Library."

    return _change(request, batch_id, act)


urlpatterns: list[URLPattern] = [
    path("batches", list_batches, name="batches"),
    path("batches/<uuid:batch_id>", show_batch, name="batch"),
    path("batches/<uuid:batch_id>/cancel", cancel, name="batch-cancel"),
    path("batches/<uuid:batch_id>/trash", trash, name="batch-trash"),
    path("batches/<uuid:batch_id>/restore", restore, name="batch-restore"),
]
