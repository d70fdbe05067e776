"""Writes on documents: bringing them and their new versions, and the trash.

Reading them into passages is `ingestion.py`, changing their passages `editing.py`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from genmodels.contract import Fault, InvalidRequest
from webapp import queueing
from webapp.accounts.models import User
from webapp.common.cleaning import clean_line
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict, UnableToFind
from webapp.common.storage import store_bytes
from webapp.jobs import operations as jobs
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import Job, JobState
from webapp.jobs.operations import NewJob
from webapp.knowledge.editing import UnableToChangeDocument
from webapp.knowledge.fetching import read_address
from webapp.knowledge.media import UnableToReadDocument, recognise
from webapp.knowledge.models import Source, SourceVersion

JOB_KIND = "ingestion"
_ENDPOINT = "documents"

#: A document of the greatest length takes about this long to embed on one core, in seconds.
_ATTEMPT_SECONDS = 1_800
#: Documents of up to so many bytes are claimed several at a time: none of them takes long.
_SHORT_BYTES = 32_768
_SHORT = "short"
MAX_TITLE_LENGTH = 300
_MAX_FILE_NAME_LENGTH = 255

#: What a file does that is called like one that is here already.
SameName = Literal["replace", "keep_both"]
SAME_NAME: tuple[SameName, ...] = ("replace", "keep_both")


class UnableToTakeDocument(UnableToReadDocument):
    """Refused before anything was stored."""


class UnableToFetchAgain(Conflict):
    """The document was not brought by its address."""


class UnableToFindVersion(UnableToFind):
    """The document has no such version, or its bytes never arrived."""

    what = "version of the document"


class UnableToRestoreVersion(Conflict):
    """The bytes are those of another document of the owner by now."""


@dataclass(frozen=True)
class SubmittedSource:
    """The source that holds these bytes for this owner; `is_new` unless it was there before.

    `version` is the one that is read now: above 1 it takes the place of an earlier one.
    """

    source_id: uuid.UUID
    is_new: bool
    version: int = 1
    is_new_version: bool = True


@dataclass(frozen=True)
class _File:
    """Bytes that were stored, and what they are."""

    sha256: str = ""
    size: int = 0
    media_type: str = ""
    file_name: str = ""


def submit_source(
    *,
    owner: User,
    content: bytes,
    file_name: str = "",
    claimed_type: str = "",
    title: str = "",
    on_same_name: SameName = "replace",
    idempotency_key: str | None = None,
) -> SubmittedSource:
    """Keep a document and queue the job that reads it.

    The same bytes again are the same source: taken out of the trash if it was there, and read
    again if that had failed. Other bytes under the name of a document of the owner are its next
    version, unless both are to be kept; the earlier one is found until the next one can be. Raises
    UnableToTakeDocument for what is refused at first sight, or UnableToReuseIdempotencyKey.
    """
    if len(content) > settings.PINAKES_MAX_UPLOAD_BYTES:
        limit = settings.PINAKES_MAX_UPLOAD_BYTES / 1e6
        raise UnableToTakeDocument("too_large", f"The file is larger than {limit:g} MB.")
    file_name = _clean_name(file_name)
    try:
        media_type = recognise(content=content, file_name=file_name, claimed_type=claimed_type)
    except UnableToReadDocument as error:
        raise UnableToTakeDocument(error.code, error.detail) from error
    file = _File(store_bytes(content), len(content), media_type, file_name)
    with transaction.atomic():
        _take_turn(owner)
        submitted = _bring_again(owner=owner, file=file)
        if submitted is None and file_name and on_same_name == "replace":
            named = Source.objects.kept().filter(owner=owner, url="", file_name=file_name)
            source = named.select_for_update().order_by("-id").first()
            submitted = _add_version(source, file) if source is not None else None
        if submitted is None:
            stem = PurePath(file_name).stem
            submitted = _create(owner=owner, title=clean_line(title) or stem, file=file)
        made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=file.sha256,
            object_id=submitted.source_id,
        )
    return submitted


def submit_address(
    *, owner: User, url: str, title: str = "", idempotency_key: str | None = None
) -> SubmittedSource:
    """Queue the job that fetches and reads what lies at an address.

    An address that the owner brought before is fetched again, as the next version. Raises
    UnableToTakeDocument where that is not allowed, or UnableToReuseIdempotencyKey.
    """
    try:
        address = read_address(url)
    except UnableToReadDocument as error:
        raise UnableToTakeDocument(error.code, error.detail) from error
    with transaction.atomic():
        _take_turn(owner)
        source = Source.objects.select_for_update().filter(owner=owner, url=address).first()
        if source is None:
            title = clean_line(title) or title_of_address(address)
            submitted = _create(owner=owner, title=title, file=_File(), url=address)
        else:
            Source.objects.filter(id=source.id).update(trashed_at=None)
            submitted = _fetch_next(source)
        made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=address,
            object_id=submitted.source_id,
        )
    return submitted


def title_of_address(url: str) -> str:
    """What a document is called until it says so itself."""
    return url.partition("://")[2].rstrip("/")[:MAX_TITLE_LENGTH]


def fetch_again(*, source: Source) -> SubmittedSource:
    """Fetch a document from its address once more; a second wish while one waits is the same.

    Raises UnableToFetchAgain, or UnableToTakeDocument where fetching is not allowed any more.
    """
    if not source.url:
        raise UnableToFetchAgain(str(source.id))
    try:
        read_address(source.url)
    except UnableToReadDocument as error:
        raise UnableToTakeDocument(error.code, error.detail) from error
    with transaction.atomic():
        return _fetch_next(Source.objects.select_for_update().get(id=source.id))


def restore_version(*, source: Source, number: int) -> SubmittedSource:
    """Make the bytes of an earlier version the newest again. Raises UnableToFindVersion.

    They are read anew, as the next version: history is only ever added to. Raises
    UnableToRestoreVersion where they have become another document.
    """
    with transaction.atomic():
        _take_turn(source.owner)
        locked = Source.objects.select_for_update().get(id=source.id)
        version = SourceVersion.objects.filter(source=locked, number=number).first()
        if version is None or not version.sha256:
            raise UnableToFindVersion(f"{source.id} {number}")
        others = Source.objects.filter(owner=source.owner, url="", sha256=version.sha256)
        other = None if source.url else others.exclude(id=source.id).first()
        if other is not None:
            raise UnableToRestoreVersion(f"Its bytes are here as “{other.title}”.")
        newest = _newest(locked)
        if newest.sha256 == version.sha256:
            return SubmittedSource(
                locked.id, is_new=False, version=newest.number, is_new_version=False
            )
        file = _File(version.sha256, version.size, version.media_type, version.file_name)
        return _add_version(locked, file)


def _take_turn(owner: User) -> None:
    """One after the other for each owner, so that two of the same file become one source."""
    User.objects.select_for_update(no_key=True).only("id").get(id=owner.id)


def _clean_name(file_name: str) -> str:
    """The last part of a path in either spelling, without what no file name should hold."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[
        -_MAX_FILE_NAME_LENGTH:
    ]


def _create(*, owner: User, title: str, file: _File, url: str = "") -> SubmittedSource:
    source = Source.objects.create(
        owner=owner,
        job=_queue_reading(owner, size=file.size),
        title=(title or "Untitled")[:MAX_TITLE_LENGTH],
        file_name=file.file_name,
        url=url,
        media_type=file.media_type,
        sha256=file.sha256,
        size=file.size,
    )
    _create_version(source, file, number=1)
    return SubmittedSource(source.id, is_new=True)


def _create_version(source: Source, file: _File, *, number: int) -> None:
    SourceVersion.objects.create(
        source=source,
        number=number,
        job=source.job,
        file_name=file.file_name,
        media_type=file.media_type,
        sha256=file.sha256,
        size=file.size,
    )


def _add_version(source: Source, file: _File) -> SubmittedSource:
    """Queue the next version of a locked source; one that is still on its way is given up."""
    jobs.cancel_job(job_id=source.job_id)
    number = _newest(source).number + 1
    source.job = _queue_reading(source.owner, size=file.size)
    changed = ["job"]
    if source.version is None and not source.url:
        # Nothing of it can be found yet, so there is no earlier version to be described.
        source.sha256, source.size = file.sha256, file.size
        source.media_type, source.file_name = file.media_type, file.file_name
        changed += ["sha256", "size", "media_type", "file_name"]
    source.save(update_fields=changed)
    _create_version(source, file, number=number)
    return SubmittedSource(source.id, is_new=False, version=number)


def _fetch_next(source: Source) -> SubmittedSource:
    if not source.job.terminal:
        return _unchanged(source, _newest(source))
    return _add_version(source, _File())


def _unchanged(source: Source, newest: SourceVersion) -> SubmittedSource:
    return SubmittedSource(source.id, is_new=False, version=newest.number, is_new_version=False)


def _newest(source: Source) -> SourceVersion:
    return SourceVersion.objects.filter(source=source).latest("number")


def _queue_reading(owner: User, *, size: int) -> Job:
    """The job that reads a file of `size` bytes, 0 where that is not known yet."""
    job = NewJob(
        id=uuid7(),
        kind=JOB_KIND,
        queue=queueing.DOCUMENTS_QUEUE,
        batch_key=_SHORT if 0 < size <= _SHORT_BYTES else "",
        attempt_seconds=_ATTEMPT_SECONDS,
    )
    return jobs.submit_jobs(owner=owner, jobs=[job])[0]


def _bring_again(*, owner: User, file: _File) -> SubmittedSource | None:
    """The source of which these bytes are the newest version or the one that can be found."""
    rows = Source.objects.select_for_update(of=("self",)).filter(owner=owner, url="")
    source = rows.filter(sha256=file.sha256).first()
    if source is None:
        waiting = SourceVersion.objects.filter(
            source__owner=owner, source__url="", sha256=file.sha256, indexed_at=None
        )
        # Of those that were never read only the newest is still meant.
        newest = [
            version for version in waiting if version.number == _newest(version.source).number
        ]
        source = rows.filter(id=newest[0].source_id).first() if newest else None
    if source is None:
        return None
    newest_version = _newest(source)
    if newest_version.sha256 != file.sha256:
        # A later version failed or is on its way, and this one is wanted after all.
        Source.objects.filter(id=source.id).update(trashed_at=None)
        return _add_version(source, file)
    _bring_back(source, newest_version)
    return _unchanged(source, newest_version)


def _bring_back(source: Source, newest: SourceVersion) -> None:
    """Take a locked source out of the trash, and read it again if that had not been finished."""
    Source.objects.filter(id=source.id).update(trashed_at=None)
    _queue_again(source, newest)


def _queue_again(source: Source, newest: SourceVersion) -> None:
    job = Job.objects.get(id=source.job_id)
    if job.terminal and job.state != JobState.SUCCEEDED:
        source.job = _queue_reading(source.owner, size=newest.size)
        SourceVersion.objects.filter(id=newest.id).update(job=source.job)
        source.save(update_fields=["job"])


def cancel_reading(*, source: Source) -> None:
    """Stop reading the newest version; an earlier one stays found, an ended job as it ended."""
    jobs.cancel_job(job_id=source.job_id)


def read_again(*, source: Source) -> None:
    """Queue the newest version again if its reading was stopped or failed."""
    with transaction.atomic():
        locked = Source.objects.select_for_update(of=("self",)).get(id=source.id)
        _queue_again(locked, _newest(locked))


def rename_source(*, source: Source, title: str, revision: int | None = None) -> None:
    """Give a document another title; with `revision`, only if it is at that.

    Raises InvalidRequest or UnableToChangeDocument.
    """
    title = clean_line(title)
    if not title:
        raise InvalidRequest([Fault("/title", "required", "must have a letter or two")])
    if len(title) > MAX_TITLE_LENGTH:
        detail = f"must have at most {MAX_TITLE_LENGTH} characters"
        raise InvalidRequest([Fault("/title", "too_long", detail)])
    rows = Source.objects.filter(id=source.id)
    if revision is not None:
        rows = rows.filter(revision=revision)
    if not rows.update(title=title, revision=F("revision") + 1) and revision is not None:
        raise UnableToChangeDocument


def trash_source(*, source: Source) -> None:
    """Put a document in the trash: it is no longer found nor cited; reading it stops."""
    jobs.cancel_job(job_id=source.job_id)
    Source.objects.filter(id=source.id, trashed_at__isnull=True).update(trashed_at=timezone.now())


def restore_source(*, source: Source) -> None:
    """Take a document out of the trash; it is read again if that had not been finished."""
    with transaction.atomic():
        locked = Source.objects.select_for_update(of=("self",)).get(id=source.id)
        _bring_back(locked, _newest(locked))
