"""Every address of the site, and what a stranger gets there.

The table must name every route and every method of the REST interface: a new one fails this file
until somebody has said who may use it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories import PASSWORD, make_checkpoint, make_user
from tests.knowledge.graphs import make_graph
from tests.pages.makers import PNG, make_batch, make_done
from tests.search.factories import make_found_source, passages_of
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_api_key
from webapp.chats.models import Chat, Turn
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, create_collection
from webapp.common.encryption import encrypt
from webapp.generations.models import Generation
from webapp.generations.upload_operations import keep_upload
from webapp.grounding.models import Answer
from webapp.knowledge.graph_models import EntityAlias
from webapp.knowledge.models import Source
from webapp.prompts.models import PromptTemplate
from webapp.prompts.operations import TemplateWish, Words, create_template
from webapp.search.models import SavedSearch
from webapp.webhooks.models import Endpoint
from webapp.webhooks.operations import send_test

pytestmark = pytest.mark.django_db

#: Where programs are answered, in JSON and with a 401.
INTERFACES = ("api/", "openai/")
OPEN, OWN_LIST, SHARED, FOREIGN = "open", "list of one's own", "same for all", "somebody else's"
ADMINS = "for admins and monitors, which have no browser to be led to a form"
ADMINS_ONLY = "for those who run the site"

#: What lies behind each route, by method.
ROUTES: dict[str, dict[str, str]] = {
    "healthz/live": {"GET": OPEN},
    "healthz/ready": {"GET": OPEN},
    "metrics": {"GET": ADMINS},
    "problems/<slug:code>": {"GET": OPEN},
    "offline": {"GET": OPEN},
    "favicon.ico": {"GET": OPEN},
    "service-worker.js": {"GET": OPEN},
    "sign-in": {"GET": OPEN, "POST": OPEN},
    "sign-out": {"POST": SHARED},
    "account": {"GET": OWN_LIST},
    "account/keys": {"POST": OWN_LIST},
    "account/keys/<uuid:key_id>/revoke": {"POST": FOREIGN},
    "account/theme": {"POST": SHARED},
    "account/webhooks": {"GET": OWN_LIST},
    "account/webhooks/add": {"POST": OWN_LIST},
    "account/webhooks/<uuid:endpoint_id>": {"GET": FOREIGN},
    "account/webhooks/<uuid:endpoint_id>/change": {"POST": FOREIGN},
    "account/webhooks/<uuid:endpoint_id>/rotate": {"POST": FOREIGN},
    "account/webhooks/<uuid:endpoint_id>/test": {"POST": FOREIGN},
    "account/webhooks/<uuid:endpoint_id>/delete": {"POST": FOREIGN},
    "account/webhook-deliveries/<uuid:delivery_id>/resend": {"POST": FOREIGN},
    "collections": {"GET": OWN_LIST},
    "collections/add": {"POST": OWN_LIST},
    "collections/<uuid:collection_id>": {"GET": FOREIGN},
    "collections/<uuid:collection_id>/change": {"POST": FOREIGN},
    "collections/<uuid:collection_id>/delete": {"POST": FOREIGN},
    "collections/<uuid:collection_id>/items/<uuid:item_id>/remove": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/feedback": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/feedback/give": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/feedback/take-back": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/collections": {"GET": FOREIGN, "POST": FOREIGN},
    "documents/<uuid:source_id>/collections": {"GET": FOREIGN, "POST": FOREIGN},
    "models": {"GET": SHARED},
    "models/<slug:slug>": {"GET": SHARED},
    "openai/v1/models": {"GET": SHARED},
    "openai/v1/models/<str:model>": {"GET": SHARED},
    "openai/v1/embeddings": {"POST": OWN_LIST},
    "openai/v1/chat/completions": {"POST": OWN_LIST},
    "openai/v1/completions": {"POST": OWN_LIST},
    "openai/v1/images/generations": {"POST": OWN_LIST},
    "prompts": {"GET": OWN_LIST},
    "prompts/add": {"POST": OWN_LIST},
    "prompts/<uuid:template_id>": {"GET": FOREIGN},
    "prompts/<uuid:template_id>/write": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/change": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/label": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/trash": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/restore": {"POST": FOREIGN},
    "studio/prompt": {"POST": OWN_LIST},
    "api/v1/prompts": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/prompts/<uuid:template_id>": {"GET": FOREIGN, "PATCH": FOREIGN, "DELETE": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/restore": {"POST": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/render": {"POST": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/versions": {"GET": FOREIGN, "POST": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/versions/<int:number>": {"GET": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/labels/<str:label>": {"PUT": FOREIGN, "DELETE": FOREIGN},
    "admin/login/": {"GET": SHARED},
    "compare/families": {"GET": SHARED},
    "compare/families/<slug:subject>/data.json": {"GET": SHARED},
    "compare/families/<slug:subject>/<str:name>": {"GET": SHARED},
    "connectors": {"GET": ADMINS_ONLY},
    "connectors/add": {"POST": ADMINS_ONLY},
    "connectors/<slug:slug>": {"POST": ADMINS_ONLY},
    "workers": {"GET": SHARED},
    "spaces": {"GET": ADMINS_ONLY},
    "spaces/add": {"POST": ADMINS_ONLY},
    "spaces/<int:space_id>": {"POST": ADMINS_ONLY},
    "": {"GET": OWN_LIST},
    "studio/knobs": {"GET": SHARED},
    "studio/references": {"GET": OWN_LIST, "POST": OWN_LIST},
    "studio/files": {"POST": OWN_LIST},
    "studio/generate": {"POST": OWN_LIST},
    "queue": {"GET": OWN_LIST},
    "library": {"GET": OWN_LIST},
    "library/saved": {"GET": OWN_LIST, "POST": OWN_LIST},
    "library/saved/<uuid:saved_id>/rename": {"POST": FOREIGN},
    "library/saved/<uuid:saved_id>/delete": {"POST": FOREIGN},
    "generations/<uuid:generation_id>": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/card": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/similar": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/cancel": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/trash": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/restore": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/retry": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/reproduce": {"POST": FOREIGN},
    "uploads": {"GET": OWN_LIST},
    "uploads/<uuid:upload_id>/delete": {"POST": FOREIGN},
    "batches": {"GET": OWN_LIST},
    "batches/<uuid:batch_id>": {"GET": FOREIGN},
    "batches/<uuid:batch_id>/cancel": {"POST": FOREIGN},
    "batches/<uuid:batch_id>/trash": {"POST": FOREIGN},
    "batches/<uuid:batch_id>/restore": {"POST": FOREIGN},
    "documents": {"GET": OWN_LIST},
    "documents/add": {"POST": OWN_LIST},
    "documents/test": {"GET": OWN_LIST},
    "documents/add-address": {"POST": OWN_LIST},
    "documents/<uuid:source_id>": {"GET": FOREIGN},
    "documents/<uuid:source_id>/passages/<uuid:passage_id>": {"POST": FOREIGN},
    "documents/<uuid:source_id>/fetch": {"POST": FOREIGN},
    "documents/<uuid:source_id>/cancel": {"POST": FOREIGN},
    "documents/<uuid:source_id>/retry": {"POST": FOREIGN},
    "documents/<uuid:source_id>/versions/<int:number>": {"GET": FOREIGN},
    "documents/<uuid:source_id>/versions/<int:number>/restore": {"POST": FOREIGN},
    "documents/<uuid:source_id>/row": {"GET": FOREIGN},
    "documents/<uuid:source_id>/trash": {"POST": FOREIGN},
    "documents/<uuid:source_id>/restore": {"POST": FOREIGN},
    "knowledge/graph": {"GET": OWN_LIST},
    "knowledge/graph/<uuid:entity_id>": {"GET": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/join": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/part": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/split": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/return": {"POST": FOREIGN},
    "ask": {"GET": OWN_LIST},
    "ask/question": {"POST": OWN_LIST},
    "ask/<uuid:answer_id>": {"GET": FOREIGN},
    "ask/<uuid:answer_id>/words": {"GET": FOREIGN},
    "ask/<uuid:answer_id>/stop": {"POST": FOREIGN},
    "chats": {"GET": OWN_LIST},
    "chats/start": {"POST": OWN_LIST},
    "chats/<uuid:chat_id>": {"GET": FOREIGN},
    "chats/<uuid:chat_id>/ask": {"POST": FOREIGN},
    "chats/<uuid:chat_id>/rename": {"POST": FOREIGN},
    "chats/<uuid:chat_id>/trash": {"POST": FOREIGN},
    "chats/<uuid:chat_id>/restore": {"POST": FOREIGN},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/reply": {"GET": FOREIGN},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/again": {"POST": FOREIGN},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/stop": {"POST": FOREIGN},
    "api/v1/openapi.json": {"GET": OPEN},
    "api/v1/docs": {"GET": OPEN},
    "api/v1/me": {"GET": OWN_LIST},
    "api/v1/usage": {"GET": OWN_LIST},
    "api/v1/api-keys": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/api-keys/<uuid:key_id>": {"DELETE": FOREIGN},
    "api/v1/models": {"GET": SHARED},
    "api/v1/models/<slug:slug>": {"GET": SHARED},
    "api/v1/connectors": {"GET": ADMINS_ONLY, "POST": ADMINS_ONLY},
    "api/v1/connectors/<slug:slug>": {
        "GET": ADMINS_ONLY,
        "PATCH": ADMINS_ONLY,
        "DELETE": ADMINS_ONLY,
    },
    "api/v1/connectors/<slug:slug>/check": {"POST": ADMINS_ONLY},
    "api/v1/generations": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/generations/<uuid:generation_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/cancel": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/retry": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/reproduce": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/reproductions": {"GET": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/restore": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/similar": {"GET": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/inputs/<str:name>/content": {"GET": FOREIGN},
    "api/v1/generations/references": {"GET": OWN_LIST},
    "api/v1/batches": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/batches/<uuid:batch_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/batches/<uuid:batch_id>/cancel": {"POST": FOREIGN},
    "api/v1/batches/<uuid:batch_id>/restore": {"POST": FOREIGN},
    "api/v1/artifacts/<uuid:artifact_id>/content": {"GET": FOREIGN},
    "api/v1/uploads": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/uploads/<uuid:upload_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/uploads/<uuid:upload_id>/content": {"GET": FOREIGN},
    "api/v1/search": {"GET": OWN_LIST},
    "api/v1/embedding-spaces": {"GET": ADMINS_ONLY, "POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>": {"GET": ADMINS_ONLY, "DELETE": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/switch": {"POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/rollback": {"POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/check": {"POST": ADMINS_ONLY},
    "api/v1/saved-searches": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/saved-searches/<uuid:saved_id>": {
        "GET": FOREIGN,
        "PATCH": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/documents": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/documents/<uuid:source_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks": {"GET": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>": {"PATCH": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>/split": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>/join": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/restore": {"POST": FOREIGN},
    "api/v1/entities": {"GET": OWN_LIST},
    "api/v1/entities/<uuid:entity_id>": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/relations": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/neighbours": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/merge": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/unmerge": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/split": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/unsplit": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/fetch": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/cancel": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/retry": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/versions": {"GET": FOREIGN},
    "api/v1/documents/<uuid:source_id>/versions/<int:number>/restore": {"POST": FOREIGN},
    "api/v1/webhook-endpoints": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>": {
        "GET": FOREIGN,
        "PATCH": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/rotate-secret": {"POST": FOREIGN},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/test": {"POST": FOREIGN},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/deliveries": {"GET": FOREIGN},
    "api/v1/webhook-deliveries/<uuid:delivery_id>": {"GET": FOREIGN},
    "api/v1/webhook-deliveries/<uuid:delivery_id>/resend": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/feedback": {
        "GET": FOREIGN,
        "PUT": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/collections": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/collections/<uuid:collection_id>": {
        "GET": FOREIGN,
        "PATCH": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/collections/<uuid:collection_id>/items": {"GET": FOREIGN, "POST": FOREIGN},
    "api/v1/collections/<uuid:collection_id>/items/<uuid:item_id>": {"DELETE": FOREIGN},
    "api/v1/answers": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/answers/<uuid:answer_id>": {"GET": FOREIGN},
    "api/v1/answers/<uuid:answer_id>/cancel": {"POST": FOREIGN},
    "api/v1/chats": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/chats/<uuid:chat_id>": {"GET": FOREIGN, "PATCH": FOREIGN, "DELETE": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/restore": {"POST": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/export": {"GET": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns": {"POST": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>": {"GET": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>/again": {"POST": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>/cancel": {"POST": FOREIGN},
}
CASES = [(route, method) for route, methods in ROUTES.items() for method in methods]


def walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from walk(pattern, route)
        else:
            yield route, pattern


class Rows:
    """Rows of the owner, each made when it is first asked for: most routes need one of them."""

    def __init__(self, owner: User) -> None:
        self.owner = owner

    @cached_property
    def generation(self) -> Generation:
        return make_done(owner=self.owner, prompt="mine alone")

    @cached_property
    def answer(self) -> Answer:
        return Answer.objects.create(
            owner=self.owner,
            question="Whose is it?",
            found=False,
            confidence=0.1,
            num_passages=0,
            include_generations=True,
            space="none",
            took_ms=1.0,
        )

    @cached_property
    def endpoint(self) -> Endpoint:
        return Endpoint.objects.create(
            owner=self.owner,
            url="https://example.com/mine-alone",
            event_types=[],
            secret=encrypt("x"),
        )

    @cached_property
    def named(self) -> EntityAlias:
        make_graph(self.owner, ["It was told by the poet Mine Alone."])
        return EntityAlias.objects.get(text="Mine Alone")

    @cached_property
    def turn(self) -> Turn:
        chat = Chat.objects.create(
            owner=self.owner, title="Mine alone", grounded=True, answerer="quotes"
        )
        return Turn.objects.create(chat=chat, question="Mine alone?", answer=self.answer)

    @cached_property
    def source(self) -> Source:
        return make_found_source(owner=self.owner, texts=["Mine alone."])

    @cached_property
    def collection(self) -> Collection:
        return create_collection(owner=self.owner, wish=CollectionWish("Mine alone"))

    @cached_property
    def saved(self) -> SavedSearch:
        return SavedSearch.objects.create(
            owner=self.owner, name="Mine alone", parameters={"q": "mine alone"}
        )


#: What fills the places of a route.
PLACES: dict[str, Callable[[Rows], object]] = {
    "<uuid:collection_id>": lambda rows: rows.collection.id,
    "<uuid:item_id>": lambda rows: rows.source.id,
    "<uuid:entity_id>": lambda rows: rows.named.root_id,
    "<int:alias_id>": lambda rows: rows.named.id,
    "<uuid:chat_id>": lambda rows: rows.turn.chat_id,
    "<uuid:turn_id>": lambda rows: rows.turn.id,
    "<uuid:endpoint_id>": lambda rows: rows.endpoint.id,
    "<uuid:delivery_id>": lambda rows: send_test(endpoint=rows.endpoint).id,
    "<uuid:generation_id>": lambda rows: rows.generation.id,
    "<uuid:saved_id>": lambda rows: rows.saved.id,
    "<uuid:batch_id>": lambda rows: make_batch(rows.owner, n=2).id,
    "<uuid:upload_id>": lambda rows: (
        keep_upload(owner=rows.owner, content=PNG, name="mine alone.png").upload.id
    ),
    "<str:name>": lambda _: "image",
    "<uuid:artifact_id>": lambda rows: rows.generation.response.artifacts.get().id,
    "<uuid:source_id>": lambda rows: rows.source.id,
    "<uuid:passage_id>": lambda rows: passages_of(rows.source)[0].id,
    "<uuid:answer_id>": lambda rows: rows.answer.id,
    "<uuid:key_id>": lambda rows: create_api_key(user=rows.owner, name="mine").row.id,
    "<int:number>": lambda _: 1,
    "<int:space_id>": lambda _: 1,
    "<slug:slug>": lambda _: "toy-text",
    "<slug:subject>": lambda _: "fashion",
    "<str:label>": lambda _: "production",
    "<uuid:template_id>": lambda rows: keep_prompt(rows.owner).id,
    "<str:model>": lambda _: "toy-text",
    "<slug:code>": lambda _: "not_found",
}


@pytest.fixture
def rows(db: None) -> Rows:
    make_checkpoint()
    return Rows(make_user(username="owner"))


def call(client: Client, route: str, method: str, rows: Rows) -> Any:
    for place in re.findall("<.*?>", route):
        route = route.replace(place, str(PLACES[place](rows)))
    query = "?q=mine" if route.endswith("search") else ""
    query = "?prompt=mine" if route == "api/v1/generations/references" else query
    content_type = "application/json" if route.startswith(INTERFACES) else "text/plain"
    return client.generic(method, f"/{route}{query}", b"", content_type=content_type)


def keep_prompt(owner: User) -> PromptTemplate:
    """A prompt of somebody's, the same at every call."""
    found = PromptTemplate.objects.filter(owner=owner).first()
    return found or create_template(
        owner=owner, wish=TemplateWish("Mine alone"), words=Words("mine alone")
    )


def signed_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.username, password=PASSWORD)
    return client


def test_the_table_names_every_route_and_method():
    found = {}
    for route, pattern in walk(get_resolver()):
        view = getattr(pattern.callback, "view_class", None)
        verbs = ("get", "post", "put", "patch", "delete")
        if route.startswith(INTERFACES) and view is not None:
            found[route] = {verb.upper() for verb in verbs if hasattr(view, verb)}
        else:
            found[route] = set(ROUTES.get(route, ()))
    assert found == {route: set(methods) for route, methods in ROUTES.items()}


@pytest.mark.parametrize(("route", "method"), CASES)
def test_without_signing_in(route, method, rows):
    answer = call(Client(), route, method, rows)
    if ROUTES[route][method] == OPEN:
        assert answer.status_code in {200, 302}
        assert "sign-in" not in answer.get("Location", "")
    elif route.startswith(INTERFACES) or ROUTES[route][method] == ADMINS:
        assert answer.status_code == 401
    elif route in {"sign-out", "account/theme"}:
        assert answer.status_code in {204, 302}
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    ("route", "method"), [case for case in CASES if ROUTES[case[0]][case[1]] == FOREIGN]
)
@pytest.mark.parametrize("role", [Role.AUTHOR, None])
def test_a_stranger_finds_nothing(route, method, role, rows):
    stranger = make_user(Role.AUTHOR)
    if role is None:
        stranger.groups.clear()
    answer = call(signed_in(stranger), route, method, rows)
    assert answer.status_code == 404
    assert b"mine alone" not in answer.content.lower()


@pytest.mark.parametrize(
    ("route", "method"),
    [case for case in CASES if ROUTES[case[0]][case[1]] in {ADMINS, ADMINS_ONLY}],
)
@pytest.mark.parametrize("role", [Role.AUTHOR, Role.REVIEWER])
def test_others_than_admins_are_refused(route, method, role, rows):
    assert call(signed_in(make_user(role)), route, method, rows).status_code == 403


@pytest.mark.parametrize(
    ("route", "method"),
    [case for case in CASES if ROUTES[case[0]][case[1]] == OWN_LIST and case[1] == "GET"],
)
def test_lists_hold_nothing_of_others(route, method, rows):
    for make in PLACES.values():
        make(rows)
    answer = call(signed_in(make_user()), route, method, rows)
    assert answer.status_code == 200
    assert b"mine alone" not in answer.content.lower()
