"""Signing in and out, and the account page with its API keys."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.models import USUAL_SCOPES, Scope, User
from webapp.accounts.operations import change_preferences, create_api_key, revoke_api_key
from webapp.accounts.preferences import MODEL, THEMES, Preferences
from webapp.accounts.queries import UnableToFindApiKey, list_api_keys
from webapp.common.rates import Rate, forget, spend

MAX_KEY_NAME = 100
#: Wrong passwords: for one name from one address, for one name, and from one address.
_WRONG_BY_BOTH = Rate(10, 300)
_WRONG_BY_NAME = Rate(100, 300)
_WRONG_BY_ADDRESS = Rate(50, 300)
_SCOPE_WORDS = {
    Scope.READ: "Read",
    Scope.WRITE: "Make and change",
    Scope.MANAGE: "Make keys, and run the site where you may",
}
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
        "scopes": [(scope.value, _SCOPE_WORDS[scope], scope in USUAL_SCOPES) for scope in Scope],
        "new_secret": new_secret,
        "fault": fault,
        "preferences": Preferences.read(_user(request).preferences),
        "theme": _user(request).preferences.get("theme")
        or request.COOKIES.get("pinakes_theme", "system"),
    }
    return render(request, "accounts/account.html", context, status=status)


class SignIn(LoginView):
    """Signs in by name and password, and slows down who guesses them.

    Nobody can shut somebody else out with a few wrong passwords: a name from another address has
    its own count.
    """

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        """Refuse to look at a password where too many were wrong."""
        waits = [
            standing.retry_seconds
            for key, rate in self._counts()
            if (standing := spend(key, rate, cost=0)) and not standing.is_allowed
        ]
        if not waits:
            return super().post(request, *args, **kwargs)
        minutes = -(-max(waits) // 60)
        # An unbound form: a bound one would check the password to know its errors.
        form = AuthenticationForm(request, initial={"username": request.POST.get("username")})
        said = f"Too many wrong passwords. Try again in {minutes} minute{'s'[: minutes > 1]}."
        response = self.render_to_response(self.get_context_data(form=form, refusal=said))
        response.status_code = 429
        response["Retry-After"] = str(max(waits))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count a wrong password."""
        for key, rate in self._counts():
            spend(key, rate)
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin anew for who knows the password."""
        forget(self._counts()[0][0])
        return super().form_valid(form)

    def _counts(self) -> list[tuple[str, Rate]]:
        name = self.request.POST.get("username", "").casefold()[:150]
        # Names may hold anything; their hash cannot be confused with another key.
        who = hashlib.sha256(name.encode()).hexdigest()[:32]
        address = self.request.META.get("REMOTE_ADDR", "")
        return [
            (f"wrong:{who}:{address}", _WRONG_BY_BOTH),
            (f"wrong:{who}", _WRONG_BY_NAME),
            (f"wrong::{address}", _WRONG_BY_ADDRESS),
        ]


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
    scopes = [scope for scope in Scope if scope in request.POST.getlist("scope")]
    if not scopes:
        fault = "A key needs to be allowed something."
        return _render_account(request, fault=fault, status=422)
    created = create_api_key(user=_user(request), name=name, scopes=scopes)
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
def keep_preferences(request: HttpRequest) -> HttpResponse:
    """Keep what the form says; the theme in a cookie as well, for the pages before signing in."""
    theme, model = request.POST.get("theme", ""), request.POST.get("model", "")
    if theme not in THEMES or not MODEL.fullmatch(model):
        messages.error(request, "Choose a theme and a model from those that are offered.")
        return redirect("account")
    changes = {"theme": theme, "model": model, "previews": request.POST.get("previews") == "on"}
    change_preferences(user=_user(request), changes=changes)
    messages.info(request, "Your preferences are kept, wherever you sign in.")
    response = redirect("account")
    worn = "" if theme == "system" else theme
    response.set_cookie(
        "pinakes_theme", worn, max_age=_YEAR_IN_SECONDS if worn else 0, samesite="Lax"
    )
    return response


urlpatterns: list[URLPattern] = [
    path(
        "sign-in",
        SignIn.as_view(),
        name="sign-in",
    ),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("account", account, name="account"),
    path("account/keys", add_key, name="key-add"),
    path("account/keys/<uuid:key_id>/revoke", end_key, name="key-revoke"),
    path("account/preferences", keep_preferences, name="preferences"),
]
