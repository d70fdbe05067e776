"""What people may do, beyond being signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
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


class ReviewsResults(BasePermission):
    """Lets nobody in but reviewers and admins."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Roles are read once per request."""
        return isinstance(request.user, User) and request.user.sees_everything


def check_may_submit(user: User) -> None:
    """Refuse accounts without a role that may submit; raises PermissionDenied."""
    if not user.may_submit:
        raise PermissionDenied("Your account has no role that may submit.")


def check_may_change(user: User, owner_id: int) -> None:
    """Refuse who only sees it; raises PermissionDenied."""
    if not user.may_change(owner_id):
        raise PermissionDenied("Only its owner and admins may change it.")
