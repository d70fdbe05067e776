"""The knowledge graph as pages: what is named, what is said of it, and the sentence behind it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from webapp.common.problems import Problem
from webapp.generations.pages import signed_in_user
from webapp.knowledge import graph_operations, graph_queries
from webapp.knowledge.entities_words import EntityKind
from webapp.knowledge.graph_drawing import MAX_SHOWN, draw
from webapp.knowledge.graph_models import Entity, EntityAlias
from webapp.knowledge.graph_neighbours import get_neighbourhood
from webapp.knowledge.graph_queries import Citation, ListedEntity, SaidRelation, SeenMention
from webapp.knowledge.graph_requests import ListRequest, parse_list

PAGE_SIZE = 60
RELATIONS_SHOWN = 30
MENTIONS_SHOWN = 20
_EXCERPT_REACH = 160

KIND_WORDS = {
    EntityKind.PERSON: "People",
    EntityKind.ORGANISATION: "Organisations",
    EntityKind.PLACE: "Places",
    EntityKind.WORK: "Works",
    EntityKind.EVENT: "Events",
    EntityKind.NAME: "Other names",
    EntityKind.TERM: "Terms",
    EntityKind.DATE: "Dates",
    EntityKind.QUANTITY: "Quantities",
    EntityKind.FAMILY: "Families",
    EntityKind.CHECKPOINT: "Checkpoints",
    EntityKind.TAG: "Tags",
    EntityKind.SETTING: "Settings",
}


@dataclass(frozen=True)
class KindChoice:
    """A kind to narrow the list to."""

    value: str
    words: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class ShownRelation:
    """A relation from the point of view of one entity."""

    relation: SaidRelation
    url: str
    is_subject: bool


@dataclass(frozen=True)
class ShownMention:
    """A mention in the words around it; the marks count in the excerpt."""

    excerpt: str
    mark_start: int
    mark_end: int
    title: str
    url: str
    is_generated: bool


@login_required
@require_GET
def graph(request: HttpRequest) -> HttpResponse:
    """What one's documents and generations name, most mentioned first."""
    user = signed_in_user(request)
    wish = _read_list(request, "q", "kind")
    page = graph_queries.list_entities(
        user=user, text=wish.text, kind=wish.kind, limit=PAGE_SIZE, offset=wish.offset
    )
    counts = graph_queries.count_kinds(user=user)
    context = {
        "rows": page.rows,
        "wish": wish,
        "kinds": [
            KindChoice(kind.value, words, counts[kind], chosen=kind == wish.kind)
            for kind, words in KIND_WORDS.items()
            if kind in counts
        ],
        "narrowed": bool(wish.text.strip() or wish.kind),
        "num_unread": graph_queries.count_unread(user=user),
        "previous": max(0, wish.offset - PAGE_SIZE) if wish.offset else None,
        "next": wish.offset + PAGE_SIZE if page.has_more else None,
    }
    return render(request, "knowledge/graph.html", context)


def _read_list(request: HttpRequest, *filters: str) -> ListRequest:
    """The part of a list that the address asks for; one that makes no sense leads nowhere."""
    fields = {
        name: value
        for name, value in request.GET.dict().items()
        if name in {"cursor", *filters} and isinstance(value, str)
    }
    try:
        return parse_list(fields, filters=filters)
    except Problem as error:
        raise Http404 from error


def _find_or_404(request: HttpRequest, entity_id: uuid.UUID) -> ListedEntity:
    try:
        return graph_queries.get_entity(user=signed_in_user(request), entity_id=entity_id)
    except graph_queries.UnableToFindEntity as error:
        raise Http404 from error


@login_required
@require_GET
def show_entity(request: HttpRequest, entity_id: uuid.UUID) -> HttpResponse:
    """One entity: what is said of it, where it is named, and what lies around it."""
    listed = _find_or_404(request, entity_id)
    shown = graph_operations.root_of(listed.entity)
    if shown.id != listed.entity.id:
        return redirect("graph-entity", entity_id=shown.id)
    return _render_entity(request, listed)


def _render_entity(
    request: HttpRequest, listed: ListedEntity, *, fault: str = "", status: int = 200
) -> HttpResponse:
    entity = listed.entity
    offset = _read_list(request).offset if request.method == "GET" else 0
    relations = graph_queries.list_relations(
        entity=entity, limit=RELATIONS_SHOWN + 1, each_time=False
    )
    mentions = graph_queries.list_mentions(entity=entity, limit=MENTIONS_SHOWN + 1, offset=offset)
    around = get_neighbourhood(entity=entity, limit=MAX_SHOWN)
    context = {
        "entity": entity,
        "listed": listed,
        "relations": [_shown_relation(entity, row) for row in relations[:RELATIONS_SHOWN]],
        "more_relations": len(relations) > RELATIONS_SHOWN,
        "mentions": [_shown_mention(row) for row in mentions[:MENTIONS_SHOWN]],
        "previous": max(0, offset - MENTIONS_SHOWN) if offset else None,
        "next": offset + MENTIONS_SHOWN if len(mentions) > MENTIONS_SHOWN else None,
        "around": around,
        "drawing": draw(around),
        "aliases": graph_queries.list_aliases(entity=entity),
        "split_aliases": graph_queries.list_split_aliases(entity=entity),
        "joined": graph_queries.list_joined(entity=entity),
        "likely_same": graph_queries.list_likely_same(entity=entity),
        "may_change": signed_in_user(request).may_change(entity.owner_id),
        "fault": fault,
    }
    return render(request, "knowledge/graph_entity.html", context, status=status)


def _shown_relation(entity: Entity, relation: SaidRelation) -> ShownRelation:
    return ShownRelation(
        relation, _url(relation.citation), is_subject=relation.subject.id == entity.id
    )


def _shown_mention(mention: SeenMention) -> ShownMention:
    """The words around a mention, cut at blanks."""
    low, high = mention.citation.start, mention.citation.end
    begin, end = max(0, low - _EXCERPT_REACH), min(len(mention.text), high + _EXCERPT_REACH)
    if begin:
        begin = mention.text.find(" ", begin, low) + 1 or begin
    if end < len(mention.text):
        blank = mention.text.rfind(" ", high, end)
        end = blank if blank > 0 else end
    return ShownMention(
        excerpt=mention.text[begin:end],
        mark_start=low - begin,
        mark_end=high - begin,
        title=mention.citation.title,
        url=_url(mention.citation),
        is_generated=mention.citation.generation_id is not None,
    )


def _url(citation: Citation) -> str:
    """The page that shows the passage, with the characters marked."""
    place = urlencode(
        {
            "passage": citation.ordinal,
            "start": citation.passage_start + citation.start,
            "end": citation.passage_start + citation.end,
        }
    )
    if citation.source_id is None:
        return f"{reverse('generation', args=[citation.generation_id])}?{place}"
    page = reverse("document", args=[citation.source_id])
    return f"{page}?{place}#passage-{citation.ordinal}"


def _change(
    request: HttpRequest, entity_id: uuid.UUID, act: Callable[[Entity], tuple[Entity, str]]
) -> HttpResponse:
    """Change an entity and show what became of it, or the page again with what is wrong."""
    listed = _find_or_404(request, entity_id)
    if not signed_in_user(request).may_change(listed.entity.owner_id):
        raise PermissionDenied
    try:
        shown, said = act(listed.entity)
    except (graph_operations.UnableToJoin, graph_operations.UnableToSplit) as error:
        top = replace(listed, entity=graph_operations.root_of(listed.entity))
        return _render_entity(request, top, fault=str(error), status=422)
    messages.info(request, said)
    return redirect("graph-entity", entity_id=shown.id)


@login_required
@require_POST
def join_entity(request: HttpRequest, entity_id: uuid.UUID) -> HttpResponse:
    """Show another entity as this one; which one is said by its id or by its name."""

    def act(entity: Entity) -> tuple[Entity, str]:
        other = _other(request, entity)
        shown = graph_operations.join_entities(entity=entity, other=other)
        return shown, f"“{other.name}” is shown as “{shown.name}” now."

    return _change(request, entity_id, act)


def _other(request: HttpRequest, entity: Entity) -> Entity:
    raw, name = request.POST.get("other", ""), request.POST.get("name", "").strip()
    if raw:
        try:
            other = _find_or_404(request, uuid.UUID(raw)).entity
        except ValueError as error:
            raise Http404 from error
        if not signed_in_user(request).may_change(other.owner_id):
            raise PermissionDenied
        return other
    if not name:
        raise graph_operations.UnableToJoin("Say the name of what is the same.")
    found = graph_queries.find_by_name(owner_id=entity.owner_id, name=name)
    if found is None:
        raise graph_operations.UnableToJoin(f"Nothing here is called “{name[:80]}”.")
    return found


@login_required
@require_POST
def part_entity(request: HttpRequest, entity_id: uuid.UUID) -> HttpResponse:
    """Let a joined entity stand by itself again."""

    def act(entity: Entity) -> tuple[Entity, str]:
        parted = graph_operations.part_entity(entity=entity)
        return parted, f"“{parted.name}” stands by itself again."

    return _change(request, entity_id, act)


@login_required
@require_POST
def split_alias(request: HttpRequest, entity_id: uuid.UUID, alias_id: int) -> HttpResponse:
    """Take a spelling out of an entity."""

    def act(entity: Entity) -> tuple[Entity, str]:
        alias = _alias_or_404(entity, alias_id)
        shown = graph_operations.split_alias(alias=alias)
        return shown, f"“{alias.text}” was taken out of “{entity.name}”."

    return _change(request, entity_id, act)


@login_required
@require_POST
def return_alias(request: HttpRequest, entity_id: uuid.UUID, alias_id: int) -> HttpResponse:
    """Put a spelling back that was taken out of an entity."""

    def act(entity: Entity) -> tuple[Entity, str]:
        alias = _alias_or_404(entity, alias_id)
        shown = graph_operations.return_alias(alias=alias)
        return shown, f"“{alias.text}” stands for “{shown.name}” again."

    return _change(request, entity_id, act)


def _alias_or_404(entity: Entity, alias_id: int) -> EntityAlias:
    alias = graph_queries.find_alias(entity=entity, alias_id=alias_id)
    if alias is None:
        raise Http404
    return alias


urlpatterns: list[URLPattern] = [
    path("knowledge/graph", graph, name="graph"),
    path("knowledge/graph/<uuid:entity_id>", show_entity, name="graph-entity"),
    path("knowledge/graph/<uuid:entity_id>/join", join_entity, name="graph-join"),
    path("knowledge/graph/<uuid:entity_id>/part", part_entity, name="graph-part"),
    path(
        "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/split",
        split_alias,
        name="graph-alias-split",
    ),
    path(
        "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/return",
        return_alias,
        name="graph-alias-return",
    ),
]
