"""Registers the commands `up` and `demo`."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """PostgreSQL and Redis from wheels, and the supervisor that runs them."""

    name = "webapp.embedded"
