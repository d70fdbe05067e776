"""Roles, keys and the first admin."""

import datetime
import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import make_user
from webapp.accounts.models import ApiKey, Role, User
from webapp.accounts.operations import create_api_key, ensure_admin

pytestmark = pytest.mark.django_db


def get_me(key: str):
    return APIClient().get("/api/v1/me", headers={"Authorization": f"Bearer {key}"})


def test_the_first_admin_is_made_once():
    password = ensure_admin()
    assert password
    assert User.objects.get(username="admin").check_password(password)
    assert ensure_admin() is None


def test_roles_decide_what_one_sees():
    author, reviewer = make_user(), make_user(Role.REVIEWER)
    assert author.may_submit
    assert not author.sees_everything
    assert reviewer.sees_everything
    assert not reviewer.runs_the_site


def test_a_key_acts_as_its_user_and_is_not_kept():
    user = make_user()
    created = create_api_key(user=user, name="laptop")
    answer = get_me(created.secret)
    assert answer.json() == {"username": user.username, "roles": ["author"]}
    row = ApiKey.objects.get()
    assert created.secret not in (row.digest, row.prefix, row.name)
    assert row.last_used_at is not None


@pytest.mark.parametrize("spoil", ["revoke", "expire", "disable", "alter"])
def test_a_key_that_does_not_hold_is_refused(spoil):
    user = make_user()
    created = create_api_key(user=user, name="laptop")
    secret = created.secret
    now = timezone.now()
    if spoil == "revoke":
        ApiKey.objects.update(revoked_at=now)
    if spoil == "expire":
        day = datetime.timedelta(days=1)
        ApiKey.objects.update(created_at=now - 2 * day, expires_at=now - day)
    if spoil == "disable":
        User.objects.update(is_active=False)
    if spoil == "alter":
        secret += "x"
    assert get_me(secret).status_code == 401


def test_keys_are_made_listed_and_revoked_over_rest():
    user = make_user()
    client = APIClient()
    client.force_authenticate(user)
    created = client.post("/api/v1/api-keys", {"name": "ci"}, format="json").json()
    assert get_me(created["key"]).status_code == 200
    [listed] = client.get("/api/v1/api-keys").json()["data"]
    assert "key" not in listed
    stranger = APIClient()
    stranger.force_authenticate(make_user())
    assert stranger.delete(f"/api/v1/api-keys/{created['id']}").status_code == 404
    for _ in range(2):
        assert client.delete(f"/api/v1/api-keys/{created['id']}").status_code == 204
    assert get_me(created["key"]).status_code == 401


def test_a_key_cannot_expire_in_the_past():
    client = APIClient()
    client.force_authenticate(make_user())
    body = {"name": "ci", "expires_at": "2020-01-01T00:00:00Z"}
    assert client.post("/api/v1/api-keys", body, format="json").status_code == 422
    assert not ApiKey.objects.exists()


def test_the_command_prints_a_key_that_works():
    user = make_user()
    output = io.StringIO()
    call_command("create_api_key", user.username, stdout=output)
    assert get_me(output.getvalue().strip()).status_code == 200


def test_the_command_names_a_missing_user():
    with pytest.raises(CommandError, match="nonesuch"):
        call_command("create_api_key", "nonesuch")
