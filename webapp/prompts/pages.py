"""Kept prompts in the browser: the list, and one with its versions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.common.pagination import page_of
from webapp.prompts import operations, queries
from webapp.prompts.models import PromptTemplate, PromptVersion
from webapp.prompts.operations import (
    TemplateWish,
    UnableToChangeTemplate,
    UnableToNameTemplate,
    Words,
)
from webapp.prompts.queries import DiffLine
from webapp.prompts.templating import variables_of

PAGE_SIZE = 48
#: How the fields of values for places are named.
VALUE_START = "v_"

_FIELDS = {
    "name": "The name",
    "description": "The description",
    "text": "The text",
    "note": "The note",
    "label": "The label",
    "version": "The version",
    "defaults": "The value for",
}


@dataclass(frozen=True)
class Place:
    """A place of a prompt, with the value that stands in its field."""

    name: str
    value: str

    @property
    def field(self) -> str:
        return f"{VALUE_START}{self.name}"

    @property
    def words(self) -> str:
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Draft:
    """What stands in the form of a version."""

    text: str = ""
    note: str = ""
    defaults: tuple[Place, ...] = ()


def _member(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "only members reach these pages"
    return request.user


@login_required
@require_GET
def prompts(request: HttpRequest) -> HttpResponse:
    """The prompts that one may see, and a form for another."""
    return _render_list(request)


def _render_list(
    request: HttpRequest,
    *,
    wish: TemplateWish | None = None,
    text: str = "",
    faults: Sequence[str] = (),
) -> HttpResponse:
    trashed = request.GET.get("trash") == "1"
    page = queries.list_templates(
        user=_member(request), page=page_of(request, size=PAGE_SIZE), trashed=trashed
    )
    context = {
        "rows": [(row, queries.newest_version(row)) for row in page.rows],
        "trashed": trashed,
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "wish": wish or TemplateWish(name=""),
        "text": text,
        "faults": faults,
    }
    return render(request, "prompts/prompts.html", context, status=422 if faults else 200)


def _sentences(error: Exception) -> list[str]:
    if not isinstance(error, InvalidRequest):
        return [f"{error}."] if not str(error).endswith(".") else [str(error)]
    said = []
    for fault in error.faults:
        name, _, rest = fault.pointer.strip("/").partition("/")
        said.append(" ".join(filter(None, (_FIELDS[name], rest, fault.detail))) + ".")
    return said


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep a prompt and go there."""
    user = _member(request)
    if not user.may_submit:
        raise PermissionDenied
    wish = TemplateWish(request.POST.get("name", ""), request.POST.get("description", ""))
    text = _text(request)
    try:
        made = operations.create_template(owner=user, wish=wish, words=Words(text))
    except (InvalidRequest, UnableToNameTemplate) as error:
        return _render_list(request, wish=wish, text=text, faults=_sentences(error))
    return redirect("prompt", template_id=made.id)


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").replace("\r\n", "\n")


def _find_or_404(request: HttpRequest, template_id: uuid.UUID) -> PromptTemplate:
    try:
        return queries.get_template(user=_member(request), template_id=template_id)
    except queries.UnableToFindTemplate as error:
        raise Http404 from error


def _find_to_change(request: HttpRequest, template_id: uuid.UUID) -> PromptTemplate:
    template = _find_or_404(request, template_id)
    if not _member(request).may_change(template.owner_id):
        raise PermissionDenied
    return template


@login_required
@require_GET
def show(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """One prompt: a version of it, ready to be used, and how it came to be."""
    return _render_prompt(request, _find_or_404(request, template_id))


def _render_prompt(
    request: HttpRequest,
    template: PromptTemplate,
    *,
    draft: Draft | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    versions = queries.list_versions(template)
    shown = _shown_version(request, template)
    earlier = next((each for each in versions if each.number < shown.number), None)
    labels: dict[uuid.UUID, list[str]] = {each.id: [] for each in versions}
    for label in template.labels.all():
        labels[label.version_id].append(label.name)
    context = {
        "template": template,
        "shown": shown,
        "is_newest": shown.number == versions[0].number,
        "places": _places(shown),
        "rows": [(each, labels[each.id]) for each in versions],
        "earlier": earlier,
        "difference": _difference(earlier, shown),
        "may_change": _member(request).may_change(template.owner_id),
        "draft": draft or Draft(shown.text, "", _places(shown)),
        "faults": faults,
    }
    return render(request, "prompts/prompt.html", context, status=422 if faults else 200)


def _shown_version(request: HttpRequest, template: PromptTemplate) -> PromptVersion:
    raw = request.GET.get("version", "")
    wanted = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else queries.LATEST
    try:
        return queries.choose_version(template, wanted)
    except queries.UnableToFindVersion as error:
        raise Http404 from error


def _places(version: PromptVersion) -> tuple[Place, ...]:
    return tuple(
        Place(name, version.defaults.get(name, "")) for name in variables_of(version.text)
    )


def _difference(earlier: PromptVersion | None, shown: PromptVersion) -> Sequence[DiffLine]:
    return () if earlier is None else queries.compare_versions(earlier, shown)


@login_required
@require_POST
def write(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Keep what was written as the next version."""
    template = _find_to_change(request, template_id)
    text, note = _text(request), request.POST.get("note", "")
    places = tuple(
        Place(name, request.POST.get(f"{VALUE_START}{name}", "")) for name in variables_of(text)
    )
    defaults = {place.name: place.value for place in places if place.value}
    revision = request.POST.get("revision", "")
    try:
        version = operations.add_version(
            template=template,
            author=_member(request),
            words=Words(text, defaults, note),
            revision=int(revision) if revision.isascii() and revision.isdigit() else None,
        )
    except (InvalidRequest, UnableToChangeTemplate) as error:
        draft = Draft(text, note, places)
        return _render_prompt(request, template, draft=draft, faults=_sentences(error))
    messages.info(request, f"This is version {version.number} now.")
    return redirect("prompt", template_id=template_id)


@login_required
@require_POST
def change(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Rename it, or say something else of it."""
    template = _find_to_change(request, template_id)
    wish = TemplateWish(request.POST.get("name", ""), request.POST.get("description", ""))
    try:
        operations.change_template(template=template, wish=wish)
    except (InvalidRequest, UnableToNameTemplate) as error:
        return _render_prompt(request, template, faults=_sentences(error))
    messages.info(request, "The prompt is changed.")
    return redirect("prompt", template_id=template_id)


@login_required
@require_POST
def label(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Have a label name a version, or none."""
    template = _find_to_change(request, template_id)
    name, raw = request.POST.get("label", "").strip(), request.POST.get("version", "")
    try:
        if raw == "":
            operations.drop_label(template=template, name=name)
        else:
            wanted = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
            operations.set_label(template=template, name=name, wanted=wanted)
    except (InvalidRequest, queries.UnableToFindVersion) as error:
        return _render_prompt(request, template, faults=_sentences(error))
    return redirect("prompt", template_id=template_id)


@login_required
@require_POST
def trash(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Put it into the trash."""
    template = _find_to_change(request, template_id)
    operations.trash_template(template=template)
    messages.info(request, f"“{template.name}” is in the trash. What was made with it stays.")
    return redirect("prompts")


@login_required
@require_POST
def restore(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    template = _find_to_change(request, template_id)
    try:
        operations.restore_template(template=template)
    except UnableToNameTemplate as error:
        return _render_prompt(request, template, faults=_sentences(error))
    return redirect("prompt", template_id=template_id)


_PROMPT = "prompts/<uuid:template_id>"

urlpatterns: list[URLPattern] = [
    path("prompts", prompts, name="prompts"),
    path("prompts/add", add, name="prompt-add"),
    path(_PROMPT, show, name="prompt"),
    path(f"{_PROMPT}/write", write, name="prompt-write"),
    path(f"{_PROMPT}/change", change, name="prompt-change"),
    path(f"{_PROMPT}/label", label, name="prompt-label"),
    path(f"{_PROMPT}/trash", trash, name="prompt-trash"),
    path(f"{_PROMPT}/restore", restore, name="prompt-restore"),
]
