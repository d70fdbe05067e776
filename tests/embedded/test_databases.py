"""The servers of a home: private, durable, and there again after a crash."""

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis


@pytest.mark.django_db
def test_the_database_speaks_vectors() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT '[3,4]'::vector <-> '[0,0]'::vector, current_setting('server_version_num')"
        )
        distance, version = cursor.fetchone()
    assert distance == 5.0
    assert int(version) >= 180000


@pytest.mark.usefixtures("databases")
def test_nothing_listens_on_a_network_port() -> None:
    with psycopg.connect(settings.DATABASE_URL) as session:
        assert session.execute("SHOW listen_addresses").fetchone() == ("",)
    with Redis.from_url(settings.REDIS_URL) as client:
        assert client.config_get("port") == {"port": "0"}


@pytest.mark.usefixtures("databases")
def test_the_application_role_is_no_superuser() -> None:
    with psycopg.connect(settings.DATABASE_URL) as session:
        row = session.execute(
            "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("pinakes", False)
