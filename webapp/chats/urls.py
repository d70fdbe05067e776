"""Addresses of chats below `/api/v1/`."""

from django.urls import path

from webapp.chats import api

urlpatterns = [
    path("chats", api.ChatsApi.as_view(), name="chats"),
    path("chats/<uuid:chat_id>", api.ChatApi.as_view(), name="chat"),
    path("chats/<uuid:chat_id>/restore", api.ChatRestoreApi.as_view(), name="chat-restore"),
    path("chats/<uuid:chat_id>/export", api.ChatExportApi.as_view(), name="chat-export"),
    path("chats/<uuid:chat_id>/turns", api.TurnsApi.as_view(), name="turns"),
    path("chats/<uuid:chat_id>/turns/<uuid:turn_id>", api.TurnApi.as_view(), name="turn"),
    path(
        "chats/<uuid:chat_id>/turns/<uuid:turn_id>/again",
        api.TurnAgainApi.as_view(),
        name="turn-again",
    ),
    path(
        "chats/<uuid:chat_id>/turns/<uuid:turn_id>/cancel",
        api.TurnCancelApi.as_view(),
        name="turn-cancel",
    ),
]
