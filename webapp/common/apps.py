"""System checks for wrong combinations of settings."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


class CommonConfig(AppConfig):
    """Holds what every app shares and no app owns."""

    name = "webapp.common"

    def ready(self) -> None:
        """Register the checks once the settings are complete."""
        register(check_secret_key, Tags.security, deploy=True)


def check_secret_key(**_: Any) -> list[CheckMessage]:
    """A key made for one process alone would sign everybody out at each restart."""
    if settings.SECRET_KEY_IS_LASTING:
        return []
    return [
        Error(
            "There is no lasting secret key.",
            hint="Set PINAKES_SECRET_KEY, or start once with `make up`, which makes one.",
            id="pinakes.E001",
        )
    ]
