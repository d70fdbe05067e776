"""What every page promises: no inline code, nothing from elsewhere, a strict policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from genmodels.contract import FAMILIES
from tests.comparisons.makers import finish, make_comparison, make_models, prefer
from tests.knowledge.graphs import entity, read_all
from tests.pages.html import Page
from tests.pages.makers import PNG, make_done, make_failed, make_picture
from tests.search.factories import EMBEDDER, make_found_source
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.chains.definitions import Asked, Definition, Source, Step
from webapp.chains.models import Chain
from webapp.chains.operations import ChainWish, VersionWish, create_chain
from webapp.chains.run_operations import start_run
from webapp.chats.operations import NewChat, start_chat
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference
from webapp.generations.upload_operations import keep_upload
from webapp.review.operations import give_feedback
from webapp.search.operations import index_generation
from webapp.search.saved_operations import save_search

TEMPLATES = Path(settings.BASE_DIR) / "templates"
HOSTILE = "</title><script>alert(1)</script><img src=//elsewhere.test/x onerror=alert(2)>"


def make_hostile_chain(author: User) -> Chain:
    """A chain whose every word would run if it could."""
    asked = Asked("idea", HOSTILE)
    steps = (
        Step(HOSTILE[:60], "toy-text", f"{HOSTILE} {{{{idea}}}}"),
        Step("Next", "toy-text", "{{a}}", variables={"a": Source("step", HOSTILE[:60])}),
    )
    return create_chain(
        owner=author,
        wish=ChainWish(HOSTILE[:100], HOSTILE),
        steps=VersionWish(Definition(steps, (asked,)), HOSTILE),
    )


@pytest.fixture
def addresses(author: User, checkpoint: Checkpoint) -> list[str]:
    """Every page, filled with text that would run if it could."""
    make_models()
    compared = make_comparison(author, prompt=HOSTILE)
    finish(compared, fail=("beta-two",))
    prefer(author, compared, "alpha-one", "gamma-three")
    done = make_done(owner=author, prompt=HOSTILE, text=HOSTILE, tags=("<b>bold</b>",))
    picture = make_picture(owner=author, prompt=HOSTILE)
    failed = make_failed(owner=author, prompt=HOSTILE, detail=HOSTILE)
    source = make_found_source(owner=author, texts=[HOSTILE], title=HOSTILE)
    index_generation(generation_id=done.id, embedder=EMBEDDER)
    read_all()
    tag = entity("<b>bold</b>")
    save_search(owner=author, name=HOSTILE[:100], parameters={"q": HOSTILE, "tag": HOSTILE})
    chat = start_chat(owner=author, wish=NewChat(title=HOSTILE), question=HOSTILE)
    written = start_chat(
        owner=author, wish=NewChat(grounded=False, model="toy-text"), question="Once"
    )
    give_feedback(author=author, generation=done, score=4, comment=HOSTILE)
    held = create_collection(owner=author, wish=CollectionWish(HOSTILE[:100], HOSTILE))
    add_items(
        collection=held,
        items=[ItemReference(generation_id=picture.id), ItemReference(source_id=source.id)],
    )
    upload = keep_upload(owner=author, content=PNG, name=HOSTILE).upload
    chain = make_hostile_chain(author)
    run = start_run(owner=author, chain=chain, values={"idea": HOSTILE})
    return [
        "/",
        "/uploads",
        f"/uploads/{upload.id}/similar",
        "/chains",
        f"/chains/{chain.id}",
        f"/chains/{chain.id}/write",
        f"/chains/add?from={done.id}",
        f"/chain-runs/{run.run_id}",
        "/collections",
        f"/collections/{held.id}",
        f"/generations/{done.id}/collections",
        f"/generations/{done.id}/feedback",
        f"/?from={done.id}",
        "/library",
        f"/library?q={HOSTILE}&tag={HOSTILE}&kind={HOSTILE}&from={HOSTILE}",
        "/library?trash=1",
        "/library/saved",
        "/library/tags",
        f"/generations/{done.id}/tags",
        f"/generations/{done.id}/lineage",
        *(f"/generations/{row.id}" for row in (done, picture, failed)),
        f"/generations/{done.id}/similar",
        f"/generations/{picture.id}/similar?by=look",
        f"/library?mode=look&q={HOSTILE}",
        "/documents",
        f"/documents/{source.id}?passage=0&start=0&end=20",
        "/knowledge/graph",
        f"/knowledge/graph?q={HOSTILE}",
        f"/knowledge/graph/{tag.id}",
        f"/studio/references?prompt={HOSTILE}",
        f"/documents/{source.id}?edit=1",
        f"/documents/{source.id}/versions/1",
        "/documents/test",
        "/ask",
        "/chats",
        f"/chats?q={HOSTILE}",
        *(f"/chats/{row.id}" for row in (chat, written)),
        "/models",
        "/models/toy-text",
        "/compare/families",
        f"/compare?prompt={HOSTILE}",
        f"/compare/{compared.id}",
        f"/compare/{compared.id}?pair={HOSTILE}",
        f"/compare/two?left={done.id}&right={picture.id}",
        "/compare/ranking",
        "/insights",
        f"/insights?by=model&model={HOSTILE}&zone={HOSTILE}",
        "/account",
        "/offline",
        "/nowhere",
    ]


def test_pages_keep_the_policy_whatever_they_show(page: Client, addresses: list[str]) -> None:
    for address in addresses:
        response = page.get(address)
        shown = Page(response.content.decode())
        assert shown.breaches() == [], address
        assert shown.all("script", type="module"), address
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def test_pages_can_be_read_by_machines_that_read_aloud(page: Client, addresses: list[str]) -> None:
    for address in addresses:
        shown = Page(page.get(address).content.decode())
        assert len(shown.all("h1")) == 1, address
        assert shown.all("main", id="main"), address
        assert shown.all("html", lang="en"), address
        for element in shown.elements:
            where = f"{element} in {address}"
            if element.tag == "img":
                assert "alt" in element.attributes, where
            if element.tag == "button":
                assert element.attributes.get("type") in {"submit", "button"}, where
        assert_fields_are_named(shown, address)
        assert_ids_are_unique(shown, address)


def assert_fields_are_named(shown: Page, address: str) -> None:
    """Every field that a person fills in has a label, around it or by its id."""
    labelled = {label.attributes.get("for") for label in shown.all("label")}
    depth = 0
    for match in re.finditer(r"<(/?)(label|input|textarea|select)\b([^>]*)>", shown.html):
        closing, tag, rest = match.groups()
        if tag == "label":
            depth += -1 if closing else 1
        elif not closing and 'type="hidden"' not in rest:
            identity = re.search(r'\bid="([^"]*)"', rest)
            named = depth > 0 or "aria-label" in rest
            assert named or (identity and identity[1] in labelled), f"{rest} in {address}"


def assert_ids_are_unique(shown: Page, address: str) -> None:
    """An id names one element."""
    ids = [element.attributes["id"] for element in shown.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids)), f"{address}: {sorted(ids)}"


def test_templates_trust_nothing_that_was_not_written_here() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        for trick in (
            "|safe",
            "autoescape off",
            "mark_safe",
            "hx-on",
            'hx-vals="js:',
            "hx-vals='js:",
        ):
            assert trick not in text, f"{trick} in {template.name}"


def test_templates_lead_nowhere_else() -> None:
    for template in TEMPLATES.rglob("*.html"):
        addresses = re.findall(r"""["'(](https?:)?//[^"')\s]+""", template.read_text("utf-8"))
        assert addresses == [], template.name


def test_every_family_has_a_drawing() -> None:
    for family in FAMILIES:
        drawing = (TEMPLATES / "icons" / f"family-{family}.svg").read_text(encoding="utf-8")
        assert "currentColor" in drawing
        assert "style=" not in drawing


@pytest.mark.parametrize(
    ("cookie", "wanted"),
    [("night", ' data-theme="night"'), ("paper", ' data-theme="paper"'), ("x onload=1", "")],
)
def test_the_theme_is_remembered_and_nothing_else(
    page: Client, checkpoint: Checkpoint, cookie: str, wanted: str
) -> None:
    page.cookies["pinakes_theme"] = cookie
    html = page.get("/").content.decode()
    assert f'<html lang="en"{wanted}>' in html
