"""Signing in and out, and the account page with its API keys."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.models import User
from webapp.accounts.operations import UnableToFindApiKey, create_api_key, revoke_api_key
from webapp.accounts.queries import list_api_keys

MAX_KEY_NAME = 100
THEMES = ("", "paper", "night")
_YEAR_IN_SECONDS = 365 * 24 * 3600


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _render_account(
    request: HttpRequest, *, new_secret: str = "", fault: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "keys": list(list_api_keys(user=_user(request))),
        "roles": sorted(_user(request).roles),
        "new_secret": new_secret,
        "fault": fault,
        "theme": request.COOKIES.get("pinakes_theme", ""),
    }
    return render(request, "accounts/account.html", context, status=status)


@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Who one is here, the keys, and how the pages look."""
    return _render_account(request)


@login_required
@never_cache
@require_POST
def add_key(request: HttpRequest) -> HttpResponse:
    """Make a key and show it, this once: the answer is the page itself and is kept nowhere."""
    name = request.POST.get("name", "").strip()
    if not name or len(name) > MAX_KEY_NAME or "\x00" in name:
        fault = f"A key needs a name of 1 to {MAX_KEY_NAME} characters."
        return _render_account(request, fault=fault, status=422)
    created = create_api_key(user=_user(request), name=name)
    return _render_account(request, new_secret=created.secret)


@login_required
@require_POST
def end_key(request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
    """Revoke a key of one's own."""
    try:
        revoke_api_key(user=_user(request), key_id=key_id)
    except UnableToFindApiKey as error:
        raise Http404 from error
    messages.info(request, "The key is revoked. Nothing can use it any more.")
    return redirect("account")


@login_required
@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember paper, night or the system's own in a cookie, for browsers without scripts too."""
    response = redirect("account")
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            "pinakes_theme", theme, max_age=_YEAR_IN_SECONDS if theme else 0, samesite="Lax"
        )
    return response


urlpatterns: list[URLPattern] = [
    path(
        "sign-in",
        LoginView.as_view(template_name="accounts/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("account", account, name="account"),
    path("account/keys", add_key, name="key-add"),
    path("account/keys/<uuid:key_id>/revoke", end_key, name="key-revoke"),
    path("account/theme", choose_theme, name="theme"),
]
