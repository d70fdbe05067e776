"""Preferences over REST: one's own, changed in part, and refused where they make no sense."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import make_user
from webapp.accounts.preferences import Preferences

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/me/preferences"


@pytest.fixture
def client() -> APIClient:
    made = APIClient()
    made.force_authenticate(make_user())
    return made


def test_a_change_leaves_the_others(client: APIClient) -> None:
    assert client.get(ADDRESS).json() == Preferences().to_dict()
    client.patch(ADDRESS, {"theme": "night", "notices": True}, format="json")
    changed = client.patch(ADDRESS, {"model": "toy-text", "theme": None}, format="json")
    assert changed.json() == Preferences(model="toy-text", notices=True).to_dict()
    assert client.get(ADDRESS).json() == changed.json()
    other = APIClient()
    other.force_authenticate(make_user())
    assert other.get(ADDRESS).json() == Preferences().to_dict()


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"theme": "neon"}, "/theme"),
        ({"model": "../x"}, "/model"),
        ({"model": None}, "/model"),
        ({"previews": "off"}, "/previews"),
        ({"notices": None}, "/notices"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: APIClient, wish: dict[str, Any], pointer: str
) -> None:
    refused = client.patch(ADDRESS, {"narrow_rail": True, **wish}, format="json")
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
    assert client.get(ADDRESS).json()["narrow_rail"] is None


def test_members_of_another_version_are_left_out() -> None:
    assert Preferences.read({"theme": "paper", "font": "large"}) == Preferences(theme="paper")
