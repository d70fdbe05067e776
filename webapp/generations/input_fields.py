"""The files of the composer and of a generation's page: taken from a form, and shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.http import urlencode

from genmodels.contract import Card, Fault, Input, InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.input_queries import find_inputs, get_upload
from webapp.generations.inputs import InputReference
from webapp.generations.models import Artifact, Generation
from webapp.generations.upload_operations import TooManyUploads, keep_upload, too_large_file
from webapp.generations.uploading import ACCEPTED_TYPES, UnableToTakePicture

#: Fields with references carry this before their names, those with files the other.
REFERENCE_START = "i_"
FILE_START = "f_"


@dataclass(frozen=True)
class InputField:
    """One input of a card as a form field; `reference` is empty where no file is given yet.

    `over_url` is the picture that a mask can be painted over, once that is given.
    """

    name: str
    label: str
    help: str
    required: bool
    reference: str = ""
    picture_url: str = ""
    words: str = ""
    fault: str = ""
    is_mask: bool = False
    over_url: str = ""

    @property
    def field(self) -> str:
        """The hidden field that holds the reference."""
        return f"{REFERENCE_START}{self.name}"

    @property
    def file_field(self) -> str:
        """The field that a file is chosen in."""
        return f"{FILE_START}{self.name}"

    @property
    def accepted(self) -> str:
        """What the browser offers to choose from."""
        return ACCEPTED_TYPES


@dataclass(frozen=True)
class GivenFile:
    """A file that a generation starts from, as its page shows it."""

    label: str
    url: str


def read_references(references: Mapping[str, str], card: Card | None) -> dict[str, InputReference]:
    """What the hidden fields name, as far as the card asks for it; raises InvalidRequest.

    Without scripts the fields of the model chosen before may still be in the form.
    """
    found = {}
    for each in card.inputs if card else ():
        text = references.get(each.name, "")
        if not text:
            continue
        try:
            found[each.name] = InputReference.parse(text)
        except ValueError as error:
            raise InvalidRequest(
                [Fault(f"/inputs/{each.name}", "invalid", "must name a file")]
            ) from error
    return found


def take_files(
    *, owner: User, card: Card | None, files: Mapping[str, UploadedFile | None]
) -> tuple[dict[str, str], dict[str, str]]:
    """Keep the files of a form that the card asks for.

    Returns references by name for those that were taken, and sentences for the others.
    """
    taken: dict[str, str] = {}
    faults: dict[str, str] = {}
    for each in card.inputs if card else ():
        file = files.get(f"{FILE_START}{each.name}")
        if file is None:
            continue
        try:
            if (file.size or 0) > settings.PINAKES_MAX_UPLOAD_BYTES:
                raise too_large_file()
            kept = keep_upload(owner=owner, content=file.read(), name=file.name or "")
        except (UnableToTakePicture, TooManyUploads) as error:
            faults[each.name] = str(error)
            continue
        taken[each.name] = str(InputReference("upload", kept.upload.id))
    return taken, faults


def show_fields(
    *,
    user: User,
    card: Card | None,
    references: Mapping[str, str],
    faults: Mapping[str, str],
) -> tuple[InputField, ...]:
    """One field for each input of the card, with the picture that is in it now."""
    filled = [
        _filled(user, each, references.get(each.name, ""))
        for each in (card.inputs if card else ())
    ]
    over_url = next((each.picture_url for each in filled if not each.is_mask), "")
    return tuple(
        replace(
            each,
            fault=faults.get(each.name, each.fault),
            over_url=over_url if each.is_mask else "",
        )
        for each in filled
    )


def _filled(user: User, each: Input, text: str) -> InputField:
    empty = InputField(
        each.name, each.label, each.help, each.required, is_mask=each.kind == "mask"
    )
    if not text:
        return empty
    gone = replace(empty, fault="This picture is no longer there. Choose another one.")
    try:
        reference = InputReference.parse(text)
    except ValueError:
        return gone
    found, _ = find_inputs(user=user, references={each.name: reference})
    if each.name not in found:
        return gone
    return replace(
        empty,
        reference=text,
        picture_url=_address(each.name, reference),
        words=_words(user, reference),
    )


def _address(name: str, reference: InputReference) -> str:
    match reference.kind:
        case "upload":
            return reverse("api:upload-content", args=[reference.id])
        case "artifact":
            return reverse("api:artifact-content", args=[reference.id])
        case "generation":
            return reverse("api:generation-input", args=[reference.id, name])


def _words(user: User, reference: InputReference) -> str:
    """What a picture is called that was found."""
    match reference.kind:
        case "upload":
            upload = get_upload(user=user, upload_id=reference.id)
            size = "\N{NO-BREAK SPACE}".join((str(upload.width), "×", str(upload.height)))
            return f"{upload.name}, {size}"
        case "artifact":
            made = Generation.objects.get(response__artifacts=reference.id)
            return f"The result {made.accession}"
        case "generation":
            made = Generation.objects.get(id=reference.id)
            return f"What {made.accession} started from"


def picture_of(generation: Generation) -> Artifact | None:
    """The picture that a generation, which must come `with_details`, has as its result."""
    response = getattr(generation, "response", None)
    artifact = next(iter(response.artifacts.all()), None) if response else None
    return artifact if artifact and artifact.media_type.startswith("image/") else None


def given_files(generation: Generation) -> tuple[GivenFile, ...]:
    """The files that a generation starts from, in the words of its card."""
    labels = {each.name: each.label for each in generation.checkpoint.card.inputs}
    # In the card's order; the row itself keeps none.
    names = [name for name in labels if name in generation.inputs]
    names += [name for name in generation.inputs if name not in labels]
    return tuple(
        GivenFile(
            label=labels.get(name, name),
            url=reverse("api:generation-input", args=[generation.id, name]),
        )
        for name in names
    )


def address_to_start_from(
    reference: InputReference,
    *,
    size: int,
    media_type: str,
    checkpoints: Iterable[Checkpoint],
    preferred: str = "",
) -> str:
    """The Studio with this file filled in, for a model that takes it; nothing where none does.

    The model of the slug `preferred` goes before others. Another one is chosen in the Studio,
    where a file stays as long as models call it by the same name.
    """
    for row in sorted(checkpoints, key=lambda row: row.slug != preferred):
        for each in row.card.inputs if row.usable else ():
            if each.kind == "image" and each.check(size=size, media_type=media_type) is None:
                fields = {"model": row.slug, f"{REFERENCE_START}{each.name}": str(reference)}
                return f"{reverse('studio')}?{urlencode(fields)}"
    return ""
