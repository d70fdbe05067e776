"""The app's place in Django."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


class GroundingConfig(AppConfig):
    """See `webapp/grounding/models.py` for what the app holds."""

    name = "webapp.grounding"

    def ready(self) -> None:
        """Register the check once the settings are complete."""
        register(check_connector)


def check_connector(**_: Any) -> list[CheckMessage]:
    """A language model is a server and a model on it; one without the other is none."""
    if bool(settings.PINAKES_LLM_URL) == bool(settings.PINAKES_LLM_MODEL):
        return []
    return [
        Error(
            "Only one of PINAKES_LLM_URL and PINAKES_LLM_MODEL is set.",
            hint="Set both, or neither to answer by quotes alone.",
            id="pinakes.E020",
        )
    ]
