"""Exports: whole, one's own, safe in a spreadsheet and in an archive, and made while sent."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.bulk.test_changing import client_for, ids
from tests.factories import make_user
from tests.pages.makers import PNG, make_done, make_failed, make_picture
from webapp.accounts.models import Role, User
from webapp.bulk import queries, sending
from webapp.common.storage import blob_path
from webapp.review.operations import give_feedback

pytestmark = pytest.mark.django_db
EXPORT = "/api/v1/generations/export"


@pytest.fixture(autouse=True)
def own_blobs(settings, tmp_path):
    settings.PINAKES_BLOBS = tmp_path


def export(user: User, **body: Any) -> bytes:
    answer: Any = client_for(user).post(EXPORT, body, format="json")
    assert answer.status_code == 200, answer.json()
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_lines_hold_recipe_result_tags_scores_and_hashes():
    owner = make_user()
    prompt, text = "a red house " * 60, "long " * 200
    done = make_done(owner=owner, prompt=prompt[:199], text=text, tags=("x",), seed=7)
    give_feedback(author=owner, generation=done, score=4, comment="")
    failed = make_failed(owner=owner, detail="It ran out of memory.")
    last, first = lines(export(owner, filter={}))
    assert (first["prompt"], first["text"], first["tags"]) == (prompt[:199], text, ["x"])
    assert first["recipe"]["seed"] == 7
    assert first["score"] == {"mean": 4.0, "num_scores": 1}
    [artifact] = first["artifacts"]
    assert artifact["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (last["id"], last["status"]) == (str(failed.id), "failed")
    assert last["status_reason"]["code"] == "out_of_memory"
    assert lines(export(owner, generations=ids(done)))[0]["id"] == str(done.id)


def test_only_ones_own_are_in_it_whoever_asks():
    owner, other = make_user(), make_user()
    mine, theirs = make_done(owner=owner), make_done(owner=other)
    assert [each["id"] for each in lines(export(owner, filter={}))] == ids(mine)
    assert export(owner, generations=ids(theirs)) == b""
    assert export(make_user(Role.ADMIN), filter={}) == b""


def test_a_table_holds_nothing_that_a_spreadsheet_runs():
    owner = make_user()
    formula = '=HYPERLINK("x"),\n"two"'
    make_done(owner=owner, prompt=formula, text=" +1", tags=("@here",))
    content = export(owner, filter={}, format="csv").decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(content, newline=""))
    assert (row["prompt"], row["text"], row["tags"]) == (f"'{formula}", "' +1", "'@here")
    assert row["num_scores"] == "0"
    assert json.loads(row["params"])["length"] == 8


def test_an_archive_holds_the_files_under_names_of_our_own():
    owner = make_user()
    picture, done = make_picture(owner=owner), make_done(owner=owner, text="words")
    lost = make_done(owner=owner, text="lost")
    blob_path(hashlib.sha256(b"lost").hexdigest()).unlink()
    with zipfile.ZipFile(io.BytesIO(export(owner, filter={}, format="zip"))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            f"files/{picture.accession}.png",
            f"files/{done.accession}.txt",
            "generations.jsonl",
        }
        assert archive.read(f"files/{picture.accession}.png") == PNG
        kept = {each["id"]: each for each in lines(archive.read("generations.jsonl"))}
    assert kept[str(picture.id)]["artifacts"][0]["file"] == f"files/{picture.accession}.png"
    assert kept[str(lost.id)]["artifacts"][0]["file"] is None
    empty = export(make_user(), filter={}, format="zip")
    assert zipfile.ZipFile(io.BytesIO(empty)).namelist() == ["generations.jsonl"]


def test_it_is_read_in_parts_while_it_is_sent(monkeypatch):
    owner = make_user()
    made = [make_done(owner=owner) for _ in range(5)]
    monkeypatch.setattr(queries, "_READ_AT_ONCE", 2)
    answer: Any = client_for(owner).post(EXPORT, {"filter": {}}, format="json")
    parts = iter(answer.streaming_content)
    with CaptureQueriesContext(connection) as first:
        next(parts)
    with CaptureQueriesContext(connection) as rest:
        assert len(list(parts)) == len(made) - 1
    # Two for each part: the rows, and their files.
    assert (len(first), len(rest)) == (2, 4)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"filter": {}, "format": "xlsx"}, "/format"),
        ({"format": "csv"}, "/generations"),
        ({"filter": {"sort": "x"}}, "/filter/sort"),
        ({"generations": ["x"]}, "/generations/0"),
    ],
)
def test_what_is_wrong_is_told(body, pointer):
    answer = client_for(make_user()).post(EXPORT, body, format="json")
    assert answer.status_code == 422
    assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}


def test_an_archive_has_a_limit(monkeypatch):
    owner = make_user()
    for _ in range(2):
        make_done(owner=owner)
    monkeypatch.setattr(sending, "MAX_IN_ARCHIVE", 1)
    answer = client_for(owner).post(EXPORT, {"filter": {}, "format": "zip"}, format="json")
    assert answer.json()["errors"][0]["code"] == "too_many"
    assert len(lines(export(owner, filter={}))) == 2


def test_nobody_exports_without_signing_in():
    assert APIClient().post(EXPORT, {"filter": {}}, format="json").status_code == 401
