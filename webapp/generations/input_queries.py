"""Reads of uploads, and of whatever else a generation may start from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from genmodels.contract import Fault
from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.generations.inputs import InputReference, KeptInput
from webapp.generations.models import Upload
from webapp.generations.queries import (
    UnableToFindArtifact,
    UnableToFindGeneration,
    get_artifact,
    get_generation,
)


class UnableToFindUpload(UnableToFind):
    """There is no such upload, or it is not the user's to see."""

    what = "upload"


class UnableToFindInput(UnableToFind):
    """The generation was given no file of that name."""

    what = "file"


def list_uploads(*, user: User, page: PageRequest) -> Page[Upload]:
    """One page of one's own uploads, newest first."""
    return paginate(Upload.objects.filter(owner=user), page)


def get_upload(*, user: User, upload_id: uuid.UUID) -> Upload:
    """One upload; raises UnableToFindUpload."""
    try:
        return Upload.objects.visible_to(user).get(id=upload_id)
    except Upload.DoesNotExist as error:
        raise UnableToFindUpload(str(upload_id)) from error


def get_input(*, user: User, generation_id: uuid.UUID, name: str) -> KeptInput:
    """What a generation was given; raises UnableToFindGeneration or UnableToFindInput."""
    generation = get_generation(user=user, generation_id=generation_id)
    try:
        return generation.kept_inputs[name]
    except KeyError as error:
        raise UnableToFindInput(name) from error


def find_inputs(
    *, user: User, references: Mapping[str, InputReference]
) -> tuple[dict[str, KeptInput], list[Fault]]:
    """What these references name, as far as the user may see it, and a fault for each other."""
    found: dict[str, KeptInput] = {}
    faults = []
    for name, reference in references.items():
        try:
            found[name] = _find(user, name, reference)
        except (
            UnableToFindUpload,
            UnableToFindArtifact,
            UnableToFindGeneration,
            UnableToFindInput,
        ):
            pointer = f"/inputs/{name.replace('~', '~0').replace('/', '~1')}"
            faults.append(Fault(pointer, "not_found", f"there is no such {reference.kind}"))
    return found, faults


def _find(user: User, name: str, reference: InputReference) -> KeptInput:
    match reference.kind:
        case "upload":
            upload = get_upload(user=user, upload_id=reference.id)
            return KeptInput(upload.sha256, upload.size, upload.media_type, upload_id=upload.id)
        case "artifact":
            artifact = get_artifact(user=user, artifact_id=reference.id)
            return KeptInput(
                artifact.sha256, artifact.size, artifact.media_type, artifact_id=artifact.id
            )
        case "generation":
            return get_input(user=user, generation_id=reference.id, name=name)
