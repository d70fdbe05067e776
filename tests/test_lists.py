"""Every list of the REST interface asks the database as often for many rows as for few."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_checkpoint, make_user
from tests.lists import EXCEPTIONS, FEW, LISTS, READERS
from webapp.accounts.models import Role
from webapp.config.management.commands.openapi import AGREED

pytestmark = pytest.mark.django_db

#: Tables of this many rows are read through an index.
MANY = 10_000


def read(client: Client, path: str) -> tuple[list[Any], list[str]]:
    """The rows of the first page, and the statements that they took."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    rows: list[Any] = answer.json()["data"]
    return rows, [each["sql"] for each in asked.captured_queries]


def test_every_list_of_the_description_is_looked_at() -> None:
    description = json.loads(AGREED.read_text(encoding="utf-8"))
    schemas = description["components"]["schemas"]
    found = set()
    for methods in description["paths"].values():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        members = schemas.get(schema.rsplit("/", 1)[-1], {}).get("properties", {})
        if {"data", "has_more"} <= set(members):
            found.add(methods["get"]["operationId"])
    assert found == LISTS.keys() | EXCEPTIONS.keys()


def measure(operation: str, count: int) -> tuple[list[Any], list[str], list[str]]:
    """The rows of a list that holds `count`, the statements it took, and what is wrong with them.

    Nothing of it is left behind.
    """
    with transaction.atomic():
        make_checkpoint()
        owner = make_user(READERS.get(operation, Role.AUTHOR))
        path = LISTS[operation](owner, count)
        client = Client()
        client.force_login(owner)
        # Once before it counts: what is remembered for the whole process is no part of a list.
        read(client, path)
        rows, statements = read(client, path)
        scans = scanned_tables(statements) if count >= MANY else []
        transaction.set_rollback(True)
    return rows, statements, scans


def scanned_tables(statements: list[str]) -> list[str]:
    """The large tables that a statement looks through from one end to the other."""
    scans = []
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        for statement in statements:
            if not re.match(r"\s*(SELECT|WITH)", statement):
                continue
            # As it ran: a plan may hold a scan that ends after a few rows, or never begins.
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}")
            [(plan,)] = cursor.fetchall()
            scans += [
                f"{node['Relation Name']}: {statement}"
                for node in nodes_of(plan[0]["Plan"])
                if node["Node Type"] == "Seq Scan" and "Filter" in node and is_long(node)
            ]
    return scans


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes_of(each)


def is_long(node: dict[str, Any]) -> bool:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return bool(node["Actual Loops"] and seen >= MANY / 2)


@pytest.mark.parametrize("operation", LISTS)
def test_thirty_rows_take_as_many_queries_as_three(operation: str) -> None:
    few, statements, _ = measure(operation, 3)
    many, more_statements, _ = measure(operation, 30)
    assert len(many) >= 30 > len(few) >= 3
    assert len(more_statements) == len(statements), "\n".join(more_statements)


@pytest.mark.large
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("operation", sorted(LISTS.keys() - FEW))
def test_ten_thousand_rows_take_as_many_queries_as_ten_and_no_scan(operation: str) -> None:
    _, statements, _ = measure(operation, 10)
    _, more_statements, scans = measure(operation, MANY)
    assert scans == []
    # A page of rows that have no results yet takes even fewer.
    assert len(more_statements) <= len(statements), "\n".join(more_statements)
