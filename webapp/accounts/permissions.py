"""Who may use a view of the REST interface, beyond being signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from webapp.accounts.models import User

if TYPE_CHECKING:
    # The framework's views import this module through its settings.
    from rest_framework.views import APIView


class RunsTheSite(BasePermission):
    """Lets nobody in but admins."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Roles are read once per request."""
        return isinstance(request.user, User) and request.user.runs_the_site
