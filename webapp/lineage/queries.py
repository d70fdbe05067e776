"""Reads of lineage: a generation among all that it came from and that came of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from webapp.accounts.models import User
from webapp.chats.models import Chat, Turn
from webapp.collections.models import Collection, CollectionItem
from webapp.generations.models import Artifact, Generation, Upload
from webapp.grounding.models import Answer, Citation
from webapp.lineage.walking import Walk, walk_from
from webapp.prompts.models import PromptTemplate

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
_TITLE_LENGTH = 200

NodeType = Literal["generation", "prompt", "batch", "upload", "chat", "answer", "collection"]
EdgeKind = Literal[
    "parent", "retry", "reference", "reproduction", "input",
    "prompt", "batch", "upload", "chat", "citation", "collection",
]  # fmt: skip


@dataclass(frozen=True)
class Node:
    """Something in a lineage; `status` is that of a generation, empty for all others."""

    type: NodeType
    id: uuid.UUID
    title: str
    name: str = ""
    status: str = ""
    is_trashed: bool = False

    @property
    def key(self) -> str:
        """What edges call it."""
        return f"{self.type}:{self.id}"


@dataclass(frozen=True)
class Edge:
    """What `origin` was to `result`: in time it goes from the first to the second."""

    origin: str
    result: str
    kind: EdgeKind


@dataclass(frozen=True)
class Lineage:
    """The nodes, the one that was asked for first, and how they hang together."""

    root: Node
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_cut: bool


def read_lineage(*, user: User, generation: Generation, limit: int = DEFAULT_LIMIT) -> Lineage:
    """A generation that the user may see, with at most `limit` others and what belongs to them.

    The number of queries is the same for any lineage. What the user may not see is left out, and
    nothing behind it is followed.
    """
    walk = walk_from(user=user, generation_id=generation.id, limit=limit)
    rows = _generations(generation.id, walk)
    parts = [
        _recipes(rows),
        _prompts(user, rows),
        _batches(rows),
        _uploads(user, rows),
        _chats(user, rows, limit),
        _answers(user, rows, limit),
        _collections(user, rows, limit),
    ]
    nodes = {node.key: node for node in map(_node, rows)}
    for part in parts:
        nodes.update((node.key, node) for node in part.nodes)
    edges = dict.fromkeys(edge for part in parts for edge in part.edges)
    return Lineage(
        root=nodes[_key(generation.id)],
        nodes=tuple(nodes.values()),
        edges=tuple(edges),
        is_cut=walk.is_cut or any(part.is_cut for part in parts),
    )


@dataclass(frozen=True)
class _Part:
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    is_cut: bool = False


def _key(generation_id: uuid.UUID) -> str:
    return f"generation:{generation_id}"


def _generations(root_id: uuid.UUID, walk: Walk) -> list[Generation]:
    wanted = [root_id, *walk.origins, *walk.results]
    rows = Generation.objects.select_related(
        "job", "reproduction", "prompt_version__template", "batch"
    ).in_bulk(wanted)
    return [rows[each] for each in dict.fromkeys(wanted) if each in rows]


def _node(row: Generation) -> Node:
    return Node(
        type="generation",
        id=row.id,
        title=row.prompt[:_TITLE_LENGTH],
        name=row.accession,
        status=row.job.status,
        is_trashed=row.trashed_at is not None,
    )


def _recipes(rows: Sequence[Generation]) -> _Part:
    """What generations were to each other."""
    here = {row.id for row in rows}
    artifact_ids = [kept.artifact_id for row in rows for kept in row.kept_inputs.values()]
    made_by = dict(
        Artifact.objects.filter(id__in=[each for each in artifact_ids if each]).values_list(
            "id", "response_id"
        )
    )

    def origins(row: Generation) -> Iterable[tuple[uuid.UUID | None, EdgeKind]]:
        yield row.parent_id, "parent"
        yield row.retried_from_id, "retry"
        yield row.reference_id, "reference"
        reproduction = getattr(row, "reproduction", None)
        if reproduction is not None:
            yield reproduction.original_id, "reproduction"
        for kept in row.kept_inputs.values():
            if kept.artifact_id is not None:
                yield made_by.get(kept.artifact_id), "input"

    edges = [
        Edge(_key(origin), _key(row.id), kind)
        for row in rows
        for origin, kind in origins(row)
        if origin in here and origin is not None
    ]
    return _Part([], edges)


def _prompts(user: User, rows: Sequence[Generation]) -> _Part:
    """The kept prompts that prompts were made from, one node for each whatever its version."""
    nodes: dict[str, Node] = {}
    edges = []
    for row in rows:
        version = row.prompt_version
        if version is None or not _sees(user, version.template):
            continue
        template = version.template
        node = Node(
            "prompt", template.id, template.name, is_trashed=template.trashed_at is not None
        )
        nodes[node.key] = node
        edges.append(Edge(node.key, _key(row.id), "prompt"))
    return _Part(list(nodes.values()), edges)


def _sees(user: User, template: PromptTemplate) -> bool:
    return user.sees_everything or template.owner_id == user.pk


def _batches(rows: Sequence[Generation]) -> _Part:
    """Batches belong to the owner of their generations."""
    nodes: dict[str, Node] = {}
    edges = []
    for row in rows:
        if row.batch is not None:
            batch = row.batch
            node = Node("batch", batch.id, str(batch), is_trashed=batch.trashed_at is not None)
            nodes[node.key] = node
            edges.append(Edge(node.key, _key(row.id), "batch"))
    return _Part(list(nodes.values()), edges)


def _uploads(user: User, rows: Sequence[Generation]) -> _Part:
    used = [
        (kept.upload_id, row.id)
        for row in rows
        for kept in row.kept_inputs.values()
        if kept.upload_id is not None
    ]
    found = Upload.objects.visible_to(user).in_bulk([upload_id for upload_id, _ in used])
    nodes = [Node("upload", each.id, each.name) for each in found.values()]
    edges = [
        Edge(f"upload:{upload_id}", _key(row_id), "upload")
        for upload_id, row_id in used
        if upload_id in found
    ]
    return _Part(nodes, edges)


def _chats(user: User, rows: Sequence[Generation], limit: int) -> _Part:
    turns = Turn.objects.filter(
        generation__in=[row.id for row in rows], chat__in=Chat.objects.visible_to(user)
    ).select_related("chat")
    found = list(turns.order_by("id")[: limit + 1])
    chats = {turn.chat_id: turn.chat for turn in found[:limit]}
    nodes = [
        Node("chat", chat.id, chat.title, is_trashed=chat.trashed_at is not None)
        for chat in chats.values()
    ]
    edges = [
        Edge(f"chat:{turn.chat_id}", _key(turn.generation_id), "chat")
        for turn in found[:limit]
        if turn.generation_id is not None
    ]
    return _Part(nodes, edges, is_cut=len(found) > limit)


def _answers(user: User, rows: Sequence[Generation], limit: int) -> _Part:
    """Answers that quote these; an answer that quotes one twice is told of once."""
    quotes = Citation.objects.filter(
        generation__in=[row.id for row in rows], answer__in=Answer.objects.visible_to(user).kept()
    )
    found = list(
        quotes.order_by("answer_id", "generation_id")
        .values_list("answer_id", "answer__question", "generation_id")
        .distinct()[: limit + 1]
    )
    nodes = {
        answer_id: Node("answer", answer_id, question[:_TITLE_LENGTH])
        for answer_id, question, _ in found[:limit]
    }
    edges = [
        Edge(_key(generation_id), f"answer:{answer_id}", "citation")
        for answer_id, _, generation_id in found[:limit]
    ]
    return _Part(list(nodes.values()), edges, is_cut=len(found) > limit)


def _collections(user: User, rows: Sequence[Generation], limit: int) -> _Part:
    held = CollectionItem.objects.filter(
        generation__in=[row.id for row in rows],
        collection__in=Collection.objects.visible_to(user).kept(),
    ).select_related("collection")
    found = list(held.order_by("id")[: limit + 1])
    collections = {item.collection_id: item.collection for item in found[:limit]}
    nodes = [Node("collection", each.id, each.name) for each in collections.values()]
    edges = [
        Edge(_key(item.generation_id), f"collection:{item.collection_id}", "collection")
        for item in found[:limit]
        if item.generation_id is not None
    ]
    return _Part(nodes, edges, is_cut=len(found) > limit)
