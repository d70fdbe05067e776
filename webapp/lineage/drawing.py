"""A lineage as two nested lists: what led to a generation, and what came of it.

The graph is drawn as the tree of the shortest ways from the generation that was asked for. What is
reached in several ways stands at the first place, and is only named at the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from webapp.lineage.queries import EdgeKind, Lineage, Node

#: What a node is to the one above it, seen from either end.
_AS_ORIGIN: Mapping[EdgeKind, str] = {
    "parent": "remixed from",
    "retry": "tried again after",
    "reference": "made with the settings of",
    "reproduction": "made again from",
    "input": "started from the picture of",
    "prompt": "from the prompt",
    "batch": "part of",
    "upload": "started from",
    "chat": "said in",
}
_AS_RESULT: Mapping[EdgeKind, str] = {
    "parent": "remixed as",
    "retry": "tried again as",
    "reference": "settings used for",
    "reproduction": "made again as",
    "input": "picture used for",
    "citation": "quoted in answer to",
    "collection": "kept in",
}
#: Lists are nested no deeper: what lies further goes on below, for lack of room to the side.
_MAX_DEPTH = 6


@dataclass(frozen=True)
class Branch:
    """A node, what it is to the one above it, and what lies behind it."""

    node: Node
    words: str
    branches: tuple[Branch, ...]
    is_repeated: bool = False

    @property
    def url(self) -> str:
        """Its page; uploads are all on one."""
        if self.node.type == "upload":
            return reverse("uploads")
        return reverse(self.node.type, args=[self.node.id])


def draw_origins(lineage: Lineage) -> tuple[Branch, ...]:
    """What led to it, the nearest outermost."""
    steps: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.kind in _AS_ORIGIN:
            steps[edge.result].append((edge.origin, _AS_ORIGIN[edge.kind]))
    return _draw(lineage, steps)


def draw_results(lineage: Lineage) -> tuple[Branch, ...]:
    """What came of it, the nearest outermost."""
    steps: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.kind in _AS_RESULT:
            steps[edge.origin].append((edge.result, _AS_RESULT[edge.kind]))
    return _draw(lineage, steps)


def _draw(lineage: Lineage, steps: Mapping[str, Sequence[tuple[str, str]]]) -> tuple[Branch, ...]:
    nodes = {node.key: node for node in lineage.nodes}
    # Level by level, so that each node hangs where it is nearest.
    above: dict[str, str] = {lineage.root.key: ""}
    level = [lineage.root.key]
    while level:
        reached = []
        for key in level:
            for other, _ in steps.get(key, ()):
                if other not in above and other in nodes:
                    above[other] = key
                    reached.append(other)
        level = reached

    def branches_of(key: str, depth: int) -> tuple[Branch, ...]:
        drawn: list[Branch] = []
        seen: set[str] = set()
        for other, words in steps.get(key, ()):
            if other not in nodes or other in seen:
                continue
            seen.add(other)
            is_repeated = above[other] != key
            below = () if is_repeated else branches_of(other, min(depth + 1, _MAX_DEPTH))
            if depth < _MAX_DEPTH:
                drawn.append(Branch(nodes[other], words, below, is_repeated))
            else:
                drawn += [Branch(nodes[other], words, (), is_repeated), *below]
        return tuple(drawn)

    return branches_of(lineage.root.key, 0)
