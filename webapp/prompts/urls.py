"""Addresses of prompts below `/api/v1/`."""

from django.urls import path

from webapp.prompts import api

_PROMPT = "prompts/<uuid:template_id>"

urlpatterns = [
    path("prompts", api.PromptsApi.as_view(), name="prompts"),
    path(_PROMPT, api.PromptApi.as_view(), name="prompt"),
    path(f"{_PROMPT}/restore", api.PromptRestoreApi.as_view(), name="prompt-restore"),
    path(f"{_PROMPT}/render", api.PromptRenderApi.as_view(), name="prompt-render"),
    path(f"{_PROMPT}/versions", api.PromptVersionsApi.as_view(), name="prompt-versions"),
    path(
        f"{_PROMPT}/versions/<int:number>", api.PromptVersionApi.as_view(), name="prompt-version"
    ),
    path(f"{_PROMPT}/labels/<str:label>", api.PromptLabelApi.as_view(), name="prompt-label"),
]
