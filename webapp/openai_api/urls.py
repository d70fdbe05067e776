"""Addresses below `/openai/v1/`."""

from django.urls import path

from webapp.openai_api import api

urlpatterns = [
    path("models", api.ModelsApi.as_view(), name="models"),
    path("models/<str:model>", api.ModelApi.as_view(), name="model"),
    path("embeddings", api.EmbeddingsApi.as_view(), name="embeddings"),
    path("chat/completions", api.ChatCompletionsApi.as_view(), name="chat-completions"),
    path("completions", api.CompletionsApi.as_view(), name="completions"),
    path("images/generations", api.ImagesApi.as_view(), name="images"),
]
