"""The description of the REST interface: whole, valid, and about every route."""

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from webapp.common.problems import PROBLEM_TYPES


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_openapi(schema):
    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")
    operation = schema["paths"]["/api/v1/generations"]["post"]
    assert {"201", "202", "4XX", "5XX"} <= set(operation["responses"])


def test_every_operation_says_what_it_answers(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"], (path, method)
            assert operation.get("description"), (path, method)


@pytest.mark.django_db
def test_the_schema_and_its_page_are_served_from_here(settings):
    assert APIClient().get("/api/v1/openapi.json").json()["info"]["title"] == "Pinakes"
    page = APIClient().get("/api/v1/docs").content.decode()
    assert "<style" not in page
    assert "//cdn" not in page
    assert "https://" not in page


@pytest.mark.parametrize("code", PROBLEM_TYPES)
def test_every_problem_is_explained_at_its_type(code, client):
    answer = client.get(f"/problems/{code}")
    assert answer.status_code == 200
    assert PROBLEM_TYPES[code].title in answer.content.decode()
