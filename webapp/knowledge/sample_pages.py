"""One press brings the sample collection, and leads to a first question to it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from webapp.generations.pages import signed_in_user
from webapp.jobs.admission import Refused
from webapp.knowledge.sample_operations import add_samples

_FIRST_QUESTION = "What happens to a job when its worker dies?"


@login_required
@require_POST
def samples(request: HttpRequest) -> HttpResponse:
    """Add it, once; asked again it is only shown."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    try:
        collection = add_samples(owner=user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("documents")
    messages.info(
        request,
        f"The pages of “{collection.name}” are being read, which takes some seconds. "
        "A first question is written below.",
    )
    asked = urlencode({"collection": str(collection.id), "question": _FIRST_QUESTION})
    return redirect(f"{reverse('ask')}?{asked}")


urlpatterns: list[URLPattern] = [path("documents/samples", samples, name="documents-samples")]
