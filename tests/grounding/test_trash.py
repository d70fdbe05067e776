"""Answers go into the trash and come back; those of chats go with these."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import make_user
from webapp.accounts.models import User
from webapp.grounding.models import Answer

pytestmark = pytest.mark.django_db


def make_answer(owner: User, **more: Any) -> Answer:
    return Answer.objects.create(
        owner=owner,
        question="Whose is it?",
        found=False,
        confidence=0.1,
        num_passages=0,
        include_generations=True,
        space="none",
        took_ms=1.0,
        **more,
    )


def test_an_answer_leaves_the_list_and_comes_back() -> None:
    owner = make_user()
    client = APIClient()
    client.force_authenticate(owner)
    answer = make_answer(owner)
    address = f"/api/v1/answers/{answer.id}"

    def listed(query: str = "") -> list[str]:
        return [row["id"] for row in client.get(f"/api/v1/answers{query}").json()["data"]]

    assert client.delete(address).status_code == 204
    trashed_at = client.get(address).json()["trashed_at"]
    assert trashed_at is not None
    assert client.delete(address).status_code == 204
    assert client.get(address).json()["trashed_at"] == trashed_at
    assert (listed(), listed("?trashed=true")) == ([], [str(answer.id)])
    assert client.post(f"{address}/restore").json()["trashed_at"] is None
    assert (listed(), listed("?trashed=true")) == ([str(answer.id)], [])


def test_an_answer_of_a_chat_goes_with_the_chat() -> None:
    owner = make_user()
    client = APIClient()
    client.force_authenticate(owner)
    answer = make_answer(owner, in_conversation=True)
    refused = client.delete(f"/api/v1/answers/{answer.id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert Answer.objects.get(id=answer.id).trashed_at is None
