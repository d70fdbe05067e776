"""Changes that depend on the state that somebody has read: `ETag` and `If-Match` (RFC 9110).

A tag is the revision of the row and a digest of the answer, as in `"7-1f0c..."`. A read that names
it in `If-None-Match` is answered 304 for as long as both hold (`ConditionalReadMiddleware`). A
change that names it in `If-Match` depends on the revision only: what an answer counts beside, such
as the items that its reader sees, may have changed meanwhile. Without `If-Match` the last wins.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.problems import Problem
from webapp.common.refusals import ChangedSinceRead

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)
_TAG = re.compile(r'(W/)?"([^"]*)"', re.ASCII)
_REVISION = re.compile(r"(\d{1,9})(-[0-9a-f]+)?", re.ASCII)


def answer_with_tag(
    body: Mapping[str, object],
    *,
    revision: int,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that shows a row at this revision."""
    digest = hashlib.sha256(JSONRenderer().render(body)).hexdigest()[:16]
    return Response(
        body, status=status, headers={"ETag": f'"{revision}-{digest}"', **(headers or {})}
    )


def wanted_revision(request: Request) -> int | None:
    """The revision that a change depends on; None where it depends on none.

    Of several tags the newest counts: revisions only grow, and all of these were seen. Weak tags
    never match here. Raises ChangedSinceRead where no tag is one that was given out.
    """
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    strong = (found[2] for found in _TAG.finditer(given) if not found[1])
    revisions = [int(found[1]) for tag in strong if (found := _REVISION.fullmatch(tag))]
    if not revisions:
        raise ChangedSinceRead
    return max(revisions)


@contextmanager
def current_tag_if_changed(read: Callable[[], Response]) -> Iterator[None]:
    """Answer a change that came too late with 412 and the tag of what is there now."""
    try:
        yield
    except ChangedSinceRead as error:
        headers = {"ETag": str(read()["ETag"])}
        raise Problem(412, error.code, error.detail, headers=headers) from error


class ConditionalReadMiddleware(ConditionalGetMiddleware):
    """Gives each answer of the interface a tag, and tells who names it that nothing changed."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Clients keep their own copies, and must ask before they use them."""
        if response.status_code != 200 or not request.path.startswith("/api/"):
            return response
        answer = super().process_response(request, response)
        if answer.has_header("ETag"):
            answer.setdefault("Cache-Control", "private, no-cache")
        return answer
