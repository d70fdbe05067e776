"""Writes on prompt templates: making them, writing versions, moving labels, the trash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.cleaning import clean_line, clean_text, length_faults, name_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.jobs.idempotency import made_before
from webapp.prompts.models import PromptLabel, PromptTemplate, PromptVersion
from webapp.prompts.queries import LATEST, UnableToFindTemplate, choose_version
from webapp.prompts.templating import MAX_VARIABLES, default_faults, variables_of

MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 2_000
MAX_TEXT_LENGTH = 100_000
MAX_NOTE_LENGTH = 200
MAX_VERSIONS = 1_000
MAX_LABELS = 20
_ENDPOINT = "prompts"
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


class UnableToNameTemplate(Conflict):
    """The owner has another template of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You have a prompt named “{name}” already.")


class UnableToChangeTemplate(ChangedSinceRead):
    """It is not as it was when it was read."""

    def __init__(self) -> None:
        super().__init__("The prompt")


@dataclass(frozen=True)
class Words:
    """What a version says; `defaults` offers values for some of its places."""

    text: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class TemplateWish:
    """What a template is to be called, and what is to be said of it."""

    name: str
    description: str = ""


def create_template(
    *, owner: User, wish: TemplateWish, words: Words, idempotency_key: str | None = None
) -> PromptTemplate:
    """Make a template with its first version; a key that came before gives that of the time.

    Raises InvalidRequest with every fault, UnableToNameTemplate, UnableToReuseIdempotencyKey, or
    UnableToFindTemplate where what the key made is gone.
    """
    wish, words = _clean(wish, words)
    template_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=[asdict(wish), asdict(words)],
            object_id=template_id,
        )
        if earlier_id is not None:
            earlier = PromptTemplate.objects.filter(id=earlier_id).first()
            if earlier is None:
                raise UnableToFindTemplate(str(earlier_id))
            return earlier
        try:
            with transaction.atomic():
                template = PromptTemplate.objects.create(
                    id=template_id, owner=owner, name=wish.name, description=wish.description
                )
        except IntegrityError as error:
            raise UnableToNameTemplate(wish.name) from error
        _store_version(template, owner, words, number=1)
    return template


def _store_version(
    template: PromptTemplate, author: User, words: Words, *, number: int
) -> PromptVersion:
    return PromptVersion.objects.create(
        template=template,
        number=number,
        text=words.text,
        defaults=dict(words.defaults),
        note=words.note,
        author=author,
    )


def _clean(wish: TemplateWish, words: Words) -> tuple[TemplateWish, Words]:
    faults: list[Fault] = []
    cleaned = _clean_wish(wish, faults), _clean_words(words, faults)
    if faults:
        raise InvalidRequest(faults)
    return cleaned


def _clean_wish(wish: TemplateWish, faults: list[Fault]) -> TemplateWish:
    name, description = clean_line(wish.name), clean_text(wish.description)
    faults += name_faults(name, MAX_NAME_LENGTH)
    faults += length_faults("/description", description, MAX_DESCRIPTION_LENGTH)
    return TemplateWish(name, description)


def _clean_words(words: Words, faults: list[Fault]) -> Words:
    if not words.text.strip():
        faults.append(Fault("/text", "required", "must not be empty"))
    if "\x00" in words.text:
        detail = "must not contain the NUL character"
        faults.append(Fault("/text", "invalid_character", detail))
    faults += length_faults("/text", words.text, MAX_TEXT_LENGTH)
    note = clean_line(words.note)
    faults += length_faults("/note", note, MAX_NOTE_LENGTH)
    names = variables_of(words.text)
    if len(names) > MAX_VARIABLES:
        faults.append(Fault("/text", "too_many", f"at most {MAX_VARIABLES} different places"))
    faults += default_faults(names, words.defaults)
    return Words(words.text, dict(words.defaults), note)


def add_version(
    *, template: PromptTemplate, author: User, words: Words, revision: int | None = None
) -> PromptVersion:
    """Write the next version; the same words as the newest change nothing and give that one.

    Raises InvalidRequest, UnableToChangeTemplate for another revision, or UnableToFindTemplate.
    """
    faults: list[Fault] = []
    words = _clean_words(words, faults)
    if faults:
        raise InvalidRequest(faults)
    with transaction.atomic():
        _lock(template, revision)
        versions = PromptVersion.objects.filter(template=template)
        newest = versions.order_by("-number").first()
        assert newest is not None, "a template is made with a version"
        if (newest.text, newest.defaults) == (words.text, dict(words.defaults)):
            return newest
        count = versions.aggregate(highest=Max("number"))["highest"]
        if count >= MAX_VERSIONS:
            detail = f"a prompt has at most {MAX_VERSIONS} versions"
            raise InvalidRequest([Fault("/text", "too_many", detail)])
        made = _store_version(template, author, words, number=count + 1)
        _count_change(template)
    return made


def change_template(
    *, template: PromptTemplate, wish: TemplateWish, revision: int | None = None
) -> None:
    """Rename a template or say something else of it; with `revision`, only if it is at that.

    Raises InvalidRequest, UnableToNameTemplate, UnableToChangeTemplate or UnableToFindTemplate.
    """
    faults: list[Fault] = []
    wish = _clean_wish(wish, faults)
    if faults:
        raise InvalidRequest(faults)
    try:
        with transaction.atomic():
            _lock(template, revision)
            PromptTemplate.objects.filter(id=template.id).update(
                name=wish.name, description=wish.description
            )
            _count_change(template)
    except IntegrityError as error:
        raise UnableToNameTemplate(wish.name) from error


def set_label(
    *, template: PromptTemplate, name: str, wanted: int, revision: int | None = None
) -> None:
    """Have a label name this version, whichever it named before.

    Raises InvalidRequest, UnableToFindVersion, UnableToChangeTemplate or UnableToFindTemplate.
    """
    if _LABEL.fullmatch(name) is None or name == LATEST:
        detail = f"must be small letters, digits, dots and dashes, and not {LATEST!r}"
        raise InvalidRequest([Fault("/label", "invalid", detail)])
    with transaction.atomic():
        _lock(template, revision)
        version = choose_version(template, wanted)
        others = PromptLabel.objects.filter(template=template).exclude(name=name)
        if others.count() >= MAX_LABELS:
            raise InvalidRequest([Fault("/label", "too_many", f"at most {MAX_LABELS} labels")])
        PromptLabel.objects.update_or_create(
            template=template, name=name, defaults={"version": version}
        )
        _count_change(template)


def drop_label(*, template: PromptTemplate, name: str) -> None:
    """Take a label away; again changes nothing. Raises UnableToFindTemplate."""
    with transaction.atomic():
        _lock(template, None)
        removed, _ = PromptLabel.objects.filter(template=template, name=name).delete()
        if removed:
            _count_change(template)


def trash_template(*, template: PromptTemplate) -> None:
    """Put a template into the trash; again changes nothing. Generations keep their words."""
    PromptTemplate.objects.filter(id=template.id, trashed_at__isnull=True).update(
        trashed_at=Now(), revision=F("revision") + 1, changed_at=Now()
    )


def restore_template(*, template: PromptTemplate) -> None:
    """Bring it back; raises UnableToNameTemplate where the name was taken meanwhile."""
    try:
        with transaction.atomic():
            PromptTemplate.objects.filter(id=template.id, trashed_at__isnull=False).update(
                trashed_at=None, revision=F("revision") + 1, changed_at=Now()
            )
    except IntegrityError as error:
        raise UnableToNameTemplate(template.name) from error


def _lock(template: PromptTemplate, revision: int | None) -> None:
    """One writer of a template at a time, so that numbers follow each other."""
    rows = PromptTemplate.objects.select_for_update(no_key=True).filter(id=template.id)
    row = rows.first()
    if row is None:
        raise UnableToFindTemplate(str(template.id))
    if revision is not None and row.revision != revision:
        raise UnableToChangeTemplate


def _count_change(template: PromptTemplate) -> None:
    PromptTemplate.objects.filter(id=template.id).update(
        revision=F("revision") + 1, changed_at=Now()
    )
