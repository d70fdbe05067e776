"""The app's place in Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """See `webapp/accounts/models.py` for what the app holds."""

    name = "webapp.accounts"
