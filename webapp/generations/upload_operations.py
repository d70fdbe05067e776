"""Writes on uploads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from webapp import queueing
from webapp.accounts.models import User
from webapp.common.storage import store_bytes
from webapp.generations.models import Upload
from webapp.generations.uploading import (
    MEDIA_TYPE,
    UnableToTakePicture,
    clean_name,
    clean_picture,
)


class TooManyUploads(Exception):
    """The owner has as many as one person may keep."""


@dataclass(frozen=True)
class KeptUpload:
    """The upload that holds a picture; `is_new` unless the owner had it before."""

    upload: Upload
    is_new: bool


def too_large_file() -> UnableToTakePicture:
    """Why a file is not even read."""
    limit = settings.PINAKES_MAX_UPLOAD_BYTES / 1e6
    return UnableToTakePicture("too_large", f"The file is larger than {limit:g} MB.")


def keep_upload(*, owner: User, content: bytes, name: str = "") -> KeptUpload:
    """Keep a picture, drawn anew; the same one again is the upload that is there.

    Raises UnableToTakePicture or TooManyUploads, and then nothing was stored.
    """
    if len(content) > settings.PINAKES_MAX_UPLOAD_BYTES:
        raise too_large_file()
    picture = clean_picture(content)
    sha256 = hashlib.sha256(picture.content).hexdigest()
    with transaction.atomic():
        # One after the other for each owner: neither does a double click make two, nor do many at
        # once get past the limit.
        User.objects.select_for_update(no_key=True).only("id").get(id=owner.id)
        mine = Upload.objects.filter(owner=owner)
        earlier = mine.filter(sha256=sha256).first()
        if earlier is not None:
            return KeptUpload(earlier, is_new=False)
        if mine.count() >= settings.PINAKES_MAX_UPLOADS_PER_OWNER:
            limit = settings.PINAKES_MAX_UPLOADS_PER_OWNER
            raise TooManyUploads(
                f"You keep {limit} pictures, which is as many as may be. Delete some first."
            )
        upload = Upload.objects.create(
            owner=owner,
            sha256=store_bytes(picture.content),
            size=len(picture.content),
            media_type=MEDIA_TYPE,
            name=clean_name(name) or "picture",
            width=picture.width,
            height=picture.height,
        )
        # What it shows becomes findable.
        transaction.on_commit(lambda: queueing.wake(queueing.INDEXING_QUEUE))
    return KeptUpload(upload, is_new=True)


def delete_upload(*, upload: Upload) -> None:
    """Take an upload off its owner's list; generations that used it keep its bytes."""
    Upload.objects.filter(id=upload.id).delete()
