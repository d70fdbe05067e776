"""What a page shows of a generation: one frozen value, so that templates decide nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from genmodels.contract import FAMILIES, Parameter, Scalar
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.latent_tools import shows_one_picture
from webapp.generations.models import Artifact, Generation
from webapp.generations.outlines import Outline, draw_outline
from webapp.generations.renderings import NOTATIONS
from webapp.generations.stills import CLIP_TYPE
from webapp.jobs.models import JobState
from webapp.jobs.queries import owners_at_limit, queue_is_served

#: A worker beats every few seconds; one that is silent for this long is shown as not running.
SILENT_FOR = dt.timedelta(seconds=30)

#: Prompts longer than this are set smaller, so that they do not push the result off the page.
LONG_PROMPT = 160

_STATUS_WORDS = {
    "queued": "queued",
    "running": "running",
    "canceling": "stopping",
    "succeeded": "done",
    "failed": "failed",
    "canceled": "canceled",
    "expired": "expired",
}


@dataclass(frozen=True)
class ShownParameter:
    """One line of the recipe."""

    label: str
    value: str
    unit: str


#: Tasks whose results answer a prompt or take its place.
_ANSWERING = frozenset({"conversational", "text2text-generation", "translation", "fill-mask"})


@dataclass(frozen=True)
class GenerationCard:
    """The face of an index card.

    `picture_url` and `text` exclude each other; both are empty until there is a result.
    `notation` is what a drawing or a sound was made from, named `notation_name`; other sounds have
    an `outline`.
    `goes_on` where the text begins where the prompt ends, and is no answer to it.
    `bar_total` is 0 while nothing is known about the length of the run.
    """

    id: uuid.UUID
    accession: str
    url: str
    prompt: str
    family: str
    model_name: str
    model_slug: str
    routed: bool
    modality: str
    status: str
    status_word: str
    terminal: bool
    succeeded: bool
    waiting_line: str
    reason_code: str
    reason_detail: str
    seed: int
    parameters: tuple[ShownParameter, ...]
    tags: tuple[str, ...]
    text: str
    goes_on: bool
    picture_url: str
    sound_url: str
    outline: Outline | None
    notation: str
    notation_name: str
    file_url: str
    file_type: str
    file_size: int
    note: str
    bar_done: int
    bar_total: int
    bar_unit: str
    created_at: dt.datetime
    seconds: float | None
    mean_score: float | None
    num_scores: int
    owner_name: str
    #: Whether the result is a picture that ways between pictures can begin or end at.
    is_one_picture: bool
    own: bool
    changeable: bool
    trashed: bool

    @property
    def retryable(self) -> bool:
        """Whether running it again could bring a result that it does not have."""
        return self.terminal and not self.succeeded

    @property
    def events_url(self) -> str:
        """The stream of what happens to it."""
        return f"{self.state_url}/events"

    @property
    def state_url(self) -> str:
        """The REST object, for when there is no stream."""
        return reverse("api:generation", args=[self.id])

    @property
    def short_prompt(self) -> str:
        """The end of the prompt, which a continuation goes on from."""
        return self.prompt if len(self.prompt) <= 160 else f"…{self.prompt[-160:]}"

    @property
    def long_prompt(self) -> bool:
        """Whether the prompt is too long to be set as a large title."""
        return len(self.prompt) > LONG_PROMPT

    @property
    def still_url(self) -> str:
        """A picture of a clip that does not move; empty for what never moves."""
        return f"{self.picture_url}?still" if self.file_type == CLIP_TYPE else ""

    @property
    def is_drawing(self) -> bool:
        """Whether the picture is a drawing of what the notation says."""
        return bool(self.picture_url and self.notation)

    @property
    def short_notation(self) -> str:
        """The notes of a tune without its header, as many as a card can show."""
        lines = self.notation.splitlines()
        return "\n".join(line for line in lines if line[1:2] != ":")[:400]

    @property
    def short_text(self) -> str:
        """As much of a written result as a card can show."""
        return self.text[:600]


def artifact_url(artifact: Artifact) -> str:
    """Where the bytes of an artifact are served to whoever may see its generation."""
    return reverse("api:artifact-content", args=[artifact.id])


def make_cards(*, generations: Iterable[Generation], viewer: User) -> list[GenerationCard]:
    """The cards of these generations, which must come `with_details`.

    Asks once for each queue with a waiting card whether a worker serves it.
    """
    rows = list(generations)
    waiting = {row.job.queue for row in rows if row.job.state == JobState.QUEUED}
    served = {queue: queue_is_served(queue, within=SILENT_FOR) for queue in waiting}
    owners = {row.owner_id for row in rows if row.job.state == JobState.QUEUED}
    at_limit = owners_at_limit(sorted(owners)) if owners else {}
    return [
        _make_card(
            row,
            viewer,
            served=served.get(row.job.queue, True),
            running_limit=at_limit.get(row.owner_id),
        )
        for row in rows
    ]


def make_card(*, generation: Generation, viewer: User) -> GenerationCard:
    """The card of one generation, which must come `with_details`."""
    [card] = make_cards(generations=[generation], viewer=viewer)
    return card


def shown_parameters(
    checkpoint: Checkpoint, values: dict[str, Scalar]
) -> tuple[ShownParameter, ...]:
    """The recipe in the words of the card; a name that the card has lost keeps its own."""
    known = {parameter.name: parameter for parameter in checkpoint.card.parameters}
    in_order = [name for name in known if name in values]
    in_order += [name for name in values if name not in known]
    return tuple(_shown(known.get(name), name, values[name]) for name in in_order)


def _shown(parameter: Parameter | None, name: str, value: Scalar) -> ShownParameter:
    match value:
        case bool():
            words = "yes" if value else "no"
        case float():
            words = f"{value:g}"
        case _:
            words = str(value)
    if parameter is None:
        return ShownParameter(name, words, "")
    return ShownParameter(parameter.label, words, parameter.unit)


def _make_card(
    generation: Generation, viewer: User, *, served: bool, running_limit: int | None
) -> GenerationCard:
    job = generation.job
    checkpoint = generation.checkpoint
    response = getattr(generation, "response", None)
    artifact = next(iter(response.artifacts.all()), None) if response else None
    is_picture = artifact is not None and artifact.media_type.startswith("image/")
    is_sound = artifact is not None and artifact.media_type.startswith("audio/")
    notation_name = NOTATIONS.get(checkpoint.modality, "") if is_picture or is_sound else ""
    assert checkpoint.family in FAMILIES
    started, finished = job.started_at, job.finished_at
    return GenerationCard(
        id=generation.id,
        accession=generation.accession,
        url=reverse("generation", kwargs={"generation_id": generation.id}),
        prompt=generation.prompt,
        family=checkpoint.family,
        model_name=checkpoint.name,
        model_slug=checkpoint.slug,
        routed=generation.routed,
        modality=checkpoint.modality,
        status=job.status,
        status_word=_STATUS_WORDS[job.status],
        terminal=job.terminal,
        succeeded=job.state == JobState.SUCCEEDED,
        waiting_line=_waiting_line(generation, served=served, running_limit=running_limit),
        reason_code=job.error_code,
        reason_detail=job.error_detail,
        seed=generation.seed,
        parameters=shown_parameters(checkpoint, generation.parameters),
        tags=tuple(generation.tags),
        text=response.text if response and not is_picture else "",
        goes_on=_goes_on(generation),
        picture_url=artifact_url(artifact) if artifact and is_picture else "",
        sound_url=artifact_url(artifact) if artifact and is_sound else "",
        outline=draw_outline(response.extra.get("outline")) if response and is_sound else None,
        notation=response.text if response and notation_name else "",
        notation_name=notation_name,
        file_url=artifact_url(artifact) if artifact else "",
        file_type=artifact.media_type if artifact else "",
        file_size=artifact.size if artifact else 0,
        note=str(response.extra.get("note", "")) if response else "",
        bar_done=int(job.progress.get("done", 0)),
        bar_total=int(job.progress.get("total", 0)),
        bar_unit=str(job.progress.get("unit", "")),
        created_at=generation.created_at,
        seconds=(finished - started).total_seconds() if started and finished else None,
        mean_score=generation.mean_score,
        num_scores=generation.num_scores,
        owner_name=generation.owner.get_username(),
        is_one_picture=shows_one_picture(generation),
        own=generation.owner_id == viewer.id,
        changeable=viewer.may_change(generation.owner_id),
        trashed=generation.trashed_at is not None,
    )


def _goes_on(generation: Generation) -> bool:
    is_message = bool(generation.parameters.get("chat", False))
    return not is_message and _ANSWERING.isdisjoint(generation.checkpoint.card.tasks)


def _waiting_line(generation: Generation, *, served: bool, running_limit: int | None) -> str:
    """Why nothing is to be seen yet, in one sentence."""
    status = generation.job.status
    if status == "queued" and not served:
        return (
            f"The worker for {generation.checkpoint.family} is not running. "
            "This is queued and will start when it is."
        )
    if status == "queued" and generation.job.error_code:
        again = generation.job.sched_at - timezone.now()
        seconds = max(0, round(again.total_seconds()))
        when = f"in {seconds} s" if seconds else "in a moment"
        return f"{generation.job.error_detail} It is tried again {when}."
    if status == "queued" and generation.job.attempt > 0:
        return "Its worker was lost. It is tried again in a moment."
    if status == "queued" and running_limit is not None:
        return f"Waiting until one of the {running_limit} that may run at a time has ended"
    if status == "queued":
        return "Waiting for its turn"
    if status == "canceling":
        return "Stopping after this step"
    return "Being made" if generation.job.progress else "Starting"
