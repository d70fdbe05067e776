"""Reads of prompt templates and their versions."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import Prefetch

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.prompts.models import (
    PromptLabel,
    PromptTemplate,
    PromptTemplateQuerySet,
    PromptVersion,
)

#: The label that every template has and nobody sets: its newest version.
LATEST = "latest"


class UnableToFindTemplate(UnableToFind):
    """There is no such template, or it is not the user's to see."""

    what = "prompt"


class UnableToFindVersion(UnableToFind):
    """The template has no version of this number or label."""

    what = "version"

    def __init__(self, wanted: int | str) -> None:
        kind = "version" if isinstance(wanted, int) else "label"
        super().__init__(f"the prompt has no {kind} {wanted}")


@dataclass(frozen=True)
class DiffLine:
    """A line of two texts laid over each other."""

    change: Literal["same", "added", "removed"]
    text: str


def _with_details(rows: PromptTemplateQuerySet) -> PromptTemplateQuerySet:
    labels = PromptLabel.objects.select_related("version").defer("version__text")
    newest = PromptVersion.objects.order_by("template_id", "-number").distinct("template_id")
    return rows.select_related("owner").prefetch_related(
        Prefetch("labels", queryset=labels.order_by("name")),
        # All that `versions` then has: a template may have a thousand.
        Prefetch("versions", queryset=newest),
    )


def list_templates(
    *, user: User, page: PageRequest, trashed: bool = False
) -> Page[PromptTemplate]:
    """The templates that the user may see, newest first, with their newest words and labels."""
    rows = PromptTemplate.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    return paginate(_with_details(rows), page)


def get_template(*, user: User, template_id: uuid.UUID, is_kept: bool = False) -> PromptTemplate:
    """One template with its newest words and its labels; raises UnableToFindTemplate.

    With `is_kept` one in the trash is not found either.
    """
    rows = PromptTemplate.objects.visible_to(user)
    found = _with_details(rows.kept() if is_kept else rows).filter(id=template_id).first()
    if found is None:
        raise UnableToFindTemplate(str(template_id))
    return found


def newest_version(template: PromptTemplate) -> PromptVersion:
    """The newest words of a template that was read by a function of this module."""
    return next(iter(template.versions.all()))


def get_version(*, user: User, version_id: uuid.UUID) -> PromptVersion:
    """A version of a template that the user may see; raises UnableToFindTemplate."""
    templates = PromptTemplate.objects.visible_to(user)
    rows = PromptVersion.objects.filter(template__in=templates).select_related("template")
    found = rows.filter(id=version_id).first()
    if found is None:
        raise UnableToFindTemplate(str(version_id))
    return found


def choose_version(template: PromptTemplate, wanted: int | str = LATEST) -> PromptVersion:
    """The version of a number, or the one that a label names; raises UnableToFindVersion."""
    rows = PromptVersion.objects.filter(template=template)
    if wanted == LATEST:
        rows = rows.order_by("-number")
    elif isinstance(wanted, int):
        rows = rows.filter(number=wanted)
    else:
        rows = rows.filter(labels__name=wanted)
    found = rows.first()
    if found is None:
        raise UnableToFindVersion(wanted)
    return found


def list_versions(template: PromptTemplate) -> list[PromptVersion]:
    """All versions of a template, newest first."""
    return list(PromptVersion.objects.filter(template=template).order_by("-number"))


def page_versions(template: PromptTemplate, page: PageRequest) -> Page[PromptVersion]:
    """A part of its versions, newest first."""
    return paginate(PromptVersion.objects.filter(template=template), page)


def compare_versions(earlier: PromptVersion, later: PromptVersion) -> Sequence[DiffLine]:
    """What changed between two texts, line by line."""
    lines: list[DiffLine] = []
    before, after = earlier.text.splitlines(), later.text.splitlines()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, from_a, to_a, from_b, to_b in matcher.get_opcodes():
        if tag == "equal":
            lines += [DiffLine("same", text) for text in before[from_a:to_a]]
            continue
        lines += [DiffLine("removed", text) for text in before[from_a:to_a]]
        lines += [DiffLine("added", text) for text in after[from_b:to_b]]
    return lines
