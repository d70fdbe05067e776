"""The answer that carries an export, the same for pages and for REST."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.bulk.exporting import FORMATS, MAX_IN_ARCHIVE, WRITERS
from webapp.bulk.queries import Selection, read_selected, select_ids


def send_export(*, user: User, selection: Selection, kind: str) -> StreamingHttpResponse:
    """The user's own generations among those meant, as a file that is made while it is sent.

    Raises InvalidRequest for another `kind` than those of FORMATS, or for more than an archive
    may hold; UnableToEmbed or UnableToLook as a search does.
    """
    if kind not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidRequest([Fault("/format", "unknown_value", f"must be one of {known}")])
    if selection.ids is not None and not selection.ids:
        raise InvalidRequest([Fault("/generations", "required", "name at least one")])
    if selection.listed is None:
        # Settled before the answer begins: a refusal cannot come in the middle of a file.
        ids = select_ids(user=user, selection=selection, limit=MAX_IN_ARCHIVE)
        selection = Selection(ids=tuple(ids))
    elif kind == "zip":
        found = select_ids(user=user, selection=selection, limit=MAX_IN_ARCHIVE + 1)
        if len(found) > MAX_IN_ARCHIVE:
            detail = f"an archive holds at most {MAX_IN_ARCHIVE}; narrow it down, or take JSONL"
            raise InvalidRequest([Fault("/filter", "too_many", detail)])
    rows = read_selected(owner=user, selection=selection)
    response = StreamingHttpResponse(WRITERS[kind](rows), content_type=FORMATS[kind])
    name = f"pinakes-{timezone.localdate():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
