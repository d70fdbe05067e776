"""The app that tells where results came from and what came of them."""

from django.apps import AppConfig


class LineageConfig(AppConfig):
    """Has no rows of its own: it follows those of others."""

    name = "webapp.lineage"
    label = "lineage"
