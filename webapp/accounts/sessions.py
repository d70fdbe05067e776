"""Signs in a connection that does not pass Django's middleware (the live streams)."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest

from webapp.accounts import queries
from webapp.accounts.models import Scope, User


def user_of_connection(scope: dict[str, Any]) -> User | None:
    """The user whose API key or session cookie the ASGI scope carries, or None."""
    request = ASGIRequest(scope, BytesIO())
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = queries.find_live_key(secret.strip())
        # Nothing but streams comes here, and they are reading.
        return key.user if key is not None and Scope.READ in key.scopes else None
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
