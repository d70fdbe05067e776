"""The app of the interface that speaks OpenAI's protocol."""

from django.apps import AppConfig


class OpenAIApiConfig(AppConfig):
    """Has no rows of its own: what it makes are generations and answers."""

    name = "webapp.openai_api"
    label = "openai_api"
