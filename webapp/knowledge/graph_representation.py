"""Entities, relations and neighbourhoods as the REST interface shows them."""

from __future__ import annotations

from typing import Any

from webapp.knowledge.graph_models import EntityAlias
from webapp.knowledge.graph_neighbours import Neighbourhood
from webapp.knowledge.graph_queries import Citation, ListedEntity, NamedEntity, SaidRelation


def describe_entity(listed: ListedEntity) -> dict[str, Any]:
    """An entity as a list shows it; `owner` must have been read with it."""
    entity = listed.entity
    link = f"/api/v1/entities/{entity.id}"
    return {
        "id": str(entity.id),
        "name": entity.name,
        "kind": entity.kind,
        "owner": entity.owner.get_username(),
        "num_mentions": listed.num_mentions,
        "num_origins": listed.num_origins,
        "merged_into": None if entity.joined_to_id is None else str(entity.joined_to_id),
        "created_at": entity.created_at,
        "links": {
            "self": link,
            "relations": f"{link}/relations",
            "neighbours": f"{link}/neighbours",
        },
    }


def describe_alias(alias: EntityAlias) -> dict[str, Any]:
    """A spelling; `split` where its owner took it out of the entity that reading put it in."""
    return {"text": alias.text, "split": alias.split_to_id is not None}


def describe_relation(relation: SaidRelation) -> dict[str, Any]:
    """A relation with the sentence that says it."""
    return {
        "id": str(relation.id),
        "subject": _named(relation.subject),
        "predicate": relation.predicate,
        "object": _named(relation.object),
        "confidence": round(relation.confidence, 3),
        "extractor": relation.extractor,
        "extractor_version": relation.version,
        "sentence": relation.sentence,
        "citation": describe_citation(relation.citation),
    }


def describe_citation(citation: Citation) -> dict[str, Any]:
    """Where it stands: `start` and `end` count characters of the passage's text."""
    if citation.source_id is not None:
        origin = {"type": "document", "id": str(citation.source_id)}
        link = f"/api/v1/documents/{citation.source_id}"
    else:
        origin = {"type": "generation", "id": str(citation.generation_id)}
        link = f"/api/v1/generations/{citation.generation_id}"
    return {
        "passage": str(citation.passage_id),
        "ordinal": citation.ordinal,
        "start": citation.start,
        "end": citation.end,
        "origin": {**origin, "title": citation.title, "link": link},
    }


def describe_neighbourhood(around: Neighbourhood) -> dict[str, Any]:
    """Entities and the edges between them; each edge cites a passage."""
    return {
        "nodes": [{**_named(node.entity), "distance": node.distance} for node in around.nodes],
        "edges": [
            {
                "one": str(edge.one),
                "other": str(edge.other),
                "predicate": edge.predicate or None,
                "count": edge.count,
                "citation": describe_citation(edge.citation),
            }
            for edge in around.edges
        ],
    }


def _named(entity: NamedEntity) -> dict[str, str]:
    return {"id": str(entity.id), "name": entity.name, "kind": entity.kind}
