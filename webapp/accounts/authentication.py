"""`Authorization: Bearer <API key>`, and who is behind a request."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from webapp.accounts import operations, queries
from webapp.accounts.models import ApiKey, Scope, User
from webapp.accounts.permissions import RunsTheSite


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """Sign a request in by its API key; requests without one are left to the next class."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the key's user, None without a key, or raise for a key that does not hold."""
        header = request.headers.get("Authorization", "")
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        key = queries.find_live_key(secret.strip())
        if key is None:
            raise exceptions.AuthenticationFailed("The API key is unknown, expired or revoked.")
        needed = scope_needed(request)
        if needed not in key.scopes:
            raise exceptions.PermissionDenied(f"This API key lacks the scope {needed.value!r}.")
        operations.touch_api_key(key=key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 tells the client to send."""
        return 'Bearer realm="pinakes"'


def scope_needed(request: Request) -> Scope:
    """What a key must be allowed for this request.

    A view says so by `needs_scope`; those of admins need `manage`, others by their method.
    """
    view = (request.parser_context or {}).get("view")
    own = getattr(view, "needs_scope", None)
    if isinstance(own, Scope):
        return own
    if RunsTheSite in getattr(view, "permission_classes", ()):
        return Scope.MANAGE
    return Scope.READ if request.method in SAFE_METHODS else Scope.WRITE


def member(request: Request) -> User:
    """The signed-in user of a view that only signed-in users reach."""
    assert isinstance(request.user, User)
    return request.user


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the key in the OpenAPI schema."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """The scheme object of OpenAPI."""
        return {"type": "http", "scheme": "bearer"}
