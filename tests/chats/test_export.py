"""A chat that is taken away: whole as JSON, harmless as Markdown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.chats.conftest import Talker
from tests.grounding.chat_server import ModelServer
from tests.grounding.desks import work_off
from webapp.chats.representation import escape_markdown
from webapp.common.markdown import render_markdown
from webapp.config.management.commands.openapi import AGREED
from webapp.knowledge.models import Source

TALL = "How high is the tower of the lighthouse at Skerry?"
HOSTILE = (
    "# Loud\n<script>alert(1)</script> ![x](http://evil.example/y) [a](javascript:b) "
    "<http://evil.example> www.evil.example\n1. one\n- two\n\n    code"
)


@pytest.mark.django_db
def test_json_has_every_branch(talker: Talker, lighthouse: Source) -> None:
    chat = talker.start(title="Lights")
    first = talker.ask(chat, TALL).json()["id"]
    second = talker.ask(chat, "Who built it?", parent=None).json()["id"]
    response = talker.get(f"chats/{chat}/export")
    assert "attachment" in response["Content-Disposition"]
    document = response.json()
    assert [turn["id"] for turn in document["turns"]] == [first, second]
    assert document["turns"][0]["answer"]["citations"][0]["quote"]
    assert document["title"] == "Lights"


@pytest.mark.django_db
def test_markdown_has_one_way_with_its_sources(talker: Talker, lighthouse: Source) -> None:
    chat = talker.start(title="Lights *and* towers")
    talker.ask(chat, TALL)
    talker.ask(chat, "And who built it?")
    response = talker.get(f"chats/{chat}/export?as=markdown")
    assert response["Content-Type"].startswith("text/markdown")
    described = json.loads(AGREED.read_text(encoding="utf-8"))["paths"]
    answer = described["/api/v1/chats/{chat_id}/export"]["get"]["responses"]["200"]
    assert set(answer["content"]) == {"application/json", "text/markdown"}
    html = MarkdownIt().render(response.content.decode())
    assert "<h1>Lights *and* towers</h1>" in html
    assert f"<h2>{TALL}</h2>" in html
    assert "Searched for: And who built lighthouse Skerry?" in html
    assert "<li>[1] Skerry lighthouse: “The lighthouse at Skerry was built in 1844" in html
    assert talker.get(f"chats/{chat}/export?as=pdf").status_code == 422
    assert talker.get(f"chats/{chat}/export?turn=x").status_code == 422


@pytest.mark.django_db
def test_nothing_of_a_hostile_chat_is_markup(talker: Talker, model: ModelServer) -> None:
    model.play = lambda _: HOSTILE
    chat = talker.start(title=HOSTILE[:150], grounded=False, answerer="connector")
    talker.ask(chat, HOSTILE)
    work_off()
    text = talker.get(f"chats/{chat}/export?as=markdown").content.decode()
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    for markup in ("<script", "<img", "<a ", "<ol", "<pre", "<h3"):
        assert markup not in html
    assert html.count("<h1>") == html.count("<h2>") == 1


@given(st.text(alphabet=st.sampled_from("a#*_`[](){}<>!|~\\-+1.&;:/=@ "), max_size=60))
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    words = " ".join(text.split())
    shown = MarkdownIt().render(escape_markdown(words))
    plain = shown.replace("<p>", "").replace("</p>", "").strip()
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, letter)
    assert plain == words


def test_markdown_of_models_is_shown_without_anything_that_leads_away() -> None:
    html = render_markdown(HOSTILE + "\n\n**bold** `code`\n\n|a|b|\n|-|-|\n|1|2|\n\n```py\nx\n```")
    for markup in ("<script", "<img", "<a", "href", "src=", "class="):
        assert markup not in html
    assert "<h3>Loud</h3>" in html
    assert "<strong>bold</strong>" in html
    assert "<td>1</td>" in html
    assert "&lt;script&gt;" in html
