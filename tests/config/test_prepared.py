"""Queries whose text is written once answer as those that are written anew."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_checkpoint, make_generation, make_user
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_api_key
from webapp.accounts.queries import find_live_key
from webapp.common.prepared import PreparedQuery
from webapp.generations.models import Generation
from webapp.generations.queries import UnableToFindGeneration, get_generation

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_queryset_with_all_that_comes_with_them():
    make_checkpoint()
    done, waiting = make_done(owner=make_user()), make_generation(owner=make_user())
    admin = make_user(Role.ADMIN)
    for row in (done, waiting):
        plain = Generation.objects.with_details().get(id=row.id)
        found = get_generation(user=admin, generation_id=row.id)
        shown = {name for name in vars(plain) if not name.startswith("_")}
        assert {name: getattr(found, name) for name in shown} == {
            name: getattr(plain, name) for name in shown
        }
        assert found.job.sched_at == plain.job.sched_at
        assert found.parameters == plain.parameters
        assert found.checkpoint.card == plain.checkpoint.card
        with CaptureQueriesContext(connection) as captured:
            assert found.owner.username == plain.owner.username
            assert getattr(found, "reproduction", None) is None
            assert getattr(found, "response", None) == getattr(plain, "response", None)
        assert len(captured) == 0


def test_values_are_those_of_each_call():
    make_checkpoint()
    one, other = (make_generation(owner=make_user()) for _ in range(2))
    for row in (one, other, one):
        assert get_generation(user=row.owner, generation_id=row.id).owner_id == row.owner_id
    with pytest.raises(UnableToFindGeneration):
        get_generation(user=one.owner, generation_id=other.id)
    with pytest.raises(UnableToFindGeneration):
        get_generation(user=one.owner, generation_id=uuid.uuid4())


def test_a_query_that_ignores_a_value_is_found_at_its_first_use():
    query = PreparedQuery(lambda **_: User.objects.all(), name="nobody")
    with pytest.raises(AssertionError, match="name"):
        query.fetch(name="somebody")


def test_a_key_brings_the_roles_of_its_user():
    user = make_user(Role.AUTHOR, Role.REVIEWER)
    secret = create_api_key(user=user, name="x").secret
    key = find_live_key(secret)
    assert key is not None
    with CaptureQueriesContext(connection) as captured:
        assert key.user.roles == {"author", "reviewer"}
        assert getattr(key.user, "quota", None) is None
    assert len(captured) == 0
    user.groups.clear()
    again = find_live_key(secret)
    assert again is not None
    assert again.user.roles == frozenset()
