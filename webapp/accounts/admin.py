"""The operators' view of people."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from webapp.accounts.models import Quota, User


class QuotaInline(admin.StackedInline):  # type: ignore[type-arg]
    """What this user may use; empty fields mean as everybody."""

    model = Quota


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """A user with roles and quota."""

    inlines = (QuotaInline,)
