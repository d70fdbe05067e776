"""Many rows for each list of the REST interface, as copies of one that was made properly."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model
from django.db.models.base import ModelState

from tests.comparisons.makers import finish, make_comparison, make_models, prefer
from tests.factories import make_card, make_checkpoint, make_generation, make_user
from tests.knowledge.graphs import make_graph
from tests.pages.makers import PNG, make_batch, make_done
from tests.search.factories import make_found_source
from webapp.accounts.models import ApiKey, Role, User
from webapp.accounts.operations import create_api_key
from webapp.catalog.models import CheckpointVersion, Connector, ConnectorKind
from webapp.chains.definitions import Definition, Step
from webapp.chains.models import Chain, ChainRun
from webapp.chains.operations import ChainWish, VersionWish, create_chain
from webapp.chains.run_operations import start_run
from webapp.chats.models import Chat
from webapp.collections.models import CollectionItem
from webapp.collections.operations import CollectionWish, create_collection
from webapp.common.encryption import encrypt
from webapp.common.ids import uuid7
from webapp.generations.models import Artifact, Generation, Reproduction
from webapp.generations.tag_operations import create_tag
from webapp.generations.upload_operations import keep_upload
from webapp.grounding.models import Answer
from webapp.knowledge.graph_models import Entity, EntityAlias, Mention, Relation
from webapp.knowledge.models import Source, SourceVersion
from webapp.prompts.models import PromptTemplate
from webapp.prompts.operations import TemplateWish, Words, create_template
from webapp.review.decision_operations import Judgement, decide
from webapp.review.models import Decision, Feedback, ReviewItem, ReviewQueue
from webapp.review.queue_operations import QueueWish, create_queue
from webapp.search.models import Passage, SavedSearch
from webapp.webhooks.models import Delivery, Endpoint
from webapp.webhooks.operations import send_test

Row = TypeVar("Row", bound=Model)


def copies(row: Row, count: int, **fields: Callable[[int], Any]) -> list[Row]:
    """Store `count` rows like `row`; `fields` say by the number of a copy what it has instead."""
    made = []
    for number in range(count):
        each = copy.copy(row)
        each._state = ModelState()
        pk = row._meta.pk
        assert pk is not None
        if pk.name not in fields:
            each.pk = uuid7() if isinstance(row.pk, uuid.UUID) else None
        for name, value in fields.items():
            setattr(each, name, value(number))
        made.append(each)
    return list(type(row)._default_manager.bulk_create(made, batch_size=1_000))


def _digest(number: int) -> str:
    return f"{number:064x}"


def _generations(owner: User, count: int, **fields: Callable[[int], Any]) -> list[Generation]:
    """Generations that succeeded."""
    first = make_done(owner=owner, prompt="mine")
    jobs = copies(first.job, count)
    start = 1_000_000 + first.number * 1_000
    made = copies(
        Generation.objects.get(id=first.id),
        count,
        job=lambda number: jobs[number],
        number=lambda number: start + number,
        **fields,
    )
    responses = copies(first.response, count, generation=lambda number: made[number])
    artifact = Artifact.objects.get(response=first.response)
    copies(artifact, count, response=lambda number: responses[number])
    return made


def list_generations(owner: User, count: int) -> str:
    _generations(owner, count - count // 2)
    waiting = make_generation(owner=owner)
    jobs = copies(waiting.job, count // 2)
    copies(
        Generation.objects.get(id=waiting.id),
        count // 2,
        job=lambda number: jobs[number],
        number=lambda number: 9_000_000 + number,
    )
    return "generations"


def list_reproductions(owner: User, count: int) -> str:
    original = make_done(owner=owner, prompt="mine")
    first = make_done(owner=owner, prompt="mine")
    row = Reproduction.objects.create(
        generation=first, original=original, original_sha256=_digest(1)
    )
    made = _generations(owner, count)
    copies(row, count, generation=lambda number: made[number])
    return f"generations/{original.id}/reproductions"


def list_batches(owner: User, count: int) -> str:
    copies(make_batch(owner, n=2), count)
    return "batches"


def list_uploads(owner: User, count: int) -> str:
    kept = keep_upload(owner=owner, content=PNG, name="mine.png").upload
    copies(kept, count, sha256=_digest)
    return "uploads"


def list_feedback(owner: User, count: int) -> str:
    generation = make_done(owner=owner, prompt="mine")
    first = Feedback.objects.create(generation=generation, author=owner, score=4)
    people = copies(owner, count, username=lambda number: f"critic-{number}")
    copies(first, count, author=lambda number: people[number])
    return f"generations/{generation.id}/feedback"


def _answer(owner: User) -> Answer:
    return Answer.objects.create(
        owner=owner,
        question="Whose is it?",
        found=False,
        confidence=0.1,
        num_passages=0,
        include_generations=True,
        space="none",
        took_ms=1.0,
    )


def list_answers(owner: User, count: int) -> str:
    copies(_answer(owner), count)
    return "answers"


def list_chats(owner: User, count: int) -> str:
    chat = Chat.objects.create(owner=owner, title="Mine", grounded=True, answerer="quotes")
    copies(Chat.objects.get(id=chat.id), count)
    return "chats"


def list_collections(owner: User, count: int) -> str:
    first = create_collection(owner=owner, wish=CollectionWish("Mine"))
    copies(first, count, name=lambda number: f"Mine {number}")
    return "collections"


def list_collection_items(owner: User, count: int) -> str:
    collection = create_collection(owner=owner, wish=CollectionWish("Mine"))
    first = CollectionItem.objects.create(collection=collection, generation=make_done(owner=owner))
    made = _generations(owner, count)
    copies(first, count, generation=lambda number: made[number])
    return f"collections/{collection.id}/items"


def _sources(owner: User, count: int) -> list[Source]:
    first = make_found_source(owner=owner, texts=["Mine alone."])
    jobs = copies(first.job, count)
    return copies(
        Source.objects.get(id=first.id),
        count,
        job=lambda number: jobs[number],
        sha256=lambda number: _digest(1_000 + number),
        title=lambda number: f"Notes {number}",
    )


def list_documents(owner: User, count: int) -> str:
    _sources(owner, count)
    return "documents"


def list_chunks(owner: User, count: int) -> str:
    source = make_found_source(owner=owner, texts=["Mine alone."])
    copies(Passage.objects.get(source=source), count, ordinal=lambda number: number + 1)
    return f"documents/{source.id}/chunks"


def list_document_versions(owner: User, count: int) -> str:
    source = make_found_source(owner=owner, texts=["Mine alone."])
    jobs = copies(source.job, count)
    copies(
        SourceVersion.objects.get(source=source),
        count,
        number=lambda number: number + 2,
        job=lambda number: jobs[number],
    )
    return f"documents/{source.id}/versions"


def search(owner: User, count: int) -> str:
    # One passage of each document may be among the results.
    sources = _sources(owner, count)
    passage = Passage.objects.get(source__owner=owner)
    copies(passage, count, source=lambda number: sources[number])
    return "search?q=alone&mode=keyword&repeats=true&limit=50"


def list_entities(owner: User, count: int) -> str:
    make_graph(owner, ["It was told by the poet Mine Alone."])
    alias = EntityAlias.objects.get(text="Mine Alone")
    mention = Mention.objects.filter(alias=alias).first()
    assert mention is not None
    entities = copies(
        Entity.objects.get(id=alias.root_id), count, key=lambda number: f"mine {number}"
    )
    aliases = copies(
        alias,
        count,
        entity=lambda number: entities[number],
        root=lambda number: entities[number],
    )
    copies(mention, count, alias=lambda number: aliases[number])
    return "entities"


def list_relations(owner: User, count: int) -> str:
    make_graph(owner)
    relation = Relation.objects.select_related("subject").first()
    assert relation is not None
    copies(relation, count)
    return f"entities/{relation.subject.root_id}/relations"


def list_prompts(owner: User, count: int) -> str:
    first = create_template(owner=owner, wish=TemplateWish("Mine"), words=Words("a {{thing}}"))
    made = copies(
        PromptTemplate.objects.get(id=first.id), count, name=lambda number: f"Mine {number}"
    )
    version = first.versions.get()
    copies(version, count, template=lambda number: made[number])
    return "prompts"


def list_prompt_versions(owner: User, count: int) -> str:
    first = create_template(owner=owner, wish=TemplateWish("Mine"), words=Words("a {{thing}}"))
    copies(first.versions.get(), count, number=lambda number: number + 2)
    return f"prompts/{first.id}/versions"


def _endpoint(owner: User) -> Endpoint:
    made = Endpoint.objects.create(
        owner=owner, url="https://example.com/mine", event_types=[], secret=encrypt("x")
    )
    return Endpoint.objects.get(id=made.id)


def list_endpoints(owner: User, count: int) -> str:
    copies(_endpoint(owner), count)
    return "webhook-endpoints"


def list_deliveries(owner: User, count: int) -> str:
    endpoint = _endpoint(owner)
    first = Delivery.objects.get(id=send_test(endpoint=endpoint).id)
    jobs = copies(first.job, count)
    copies(first, count, job=lambda number: jobs[number])
    return f"webhook-endpoints/{endpoint.id}/deliveries"


def list_saved_searches(owner: User, count: int) -> str:
    first = SavedSearch.objects.create(owner=owner, name="Mine", parameters={"q": "mine"})
    copies(first, count, name=lambda number: f"Mine {number}")
    return "saved-searches"


def list_api_keys(owner: User, count: int) -> str:
    first = create_api_key(user=owner, name="mine").row
    copies(ApiKey.objects.get(id=first.id), count, digest=_digest)
    return "api-keys"


def list_models(_: User, count: int) -> str:
    for number in range(count):
        make_checkpoint(make_card(slug=f"toy-{number}"))
    return "models"


def list_model_versions(_: User, count: int) -> str:
    checkpoint = make_checkpoint(make_card(slug="toy-again"))
    first = CheckpointVersion.objects.create(
        checkpoint=checkpoint, revision=_digest(0), card_data=checkpoint.card_data
    )
    copies(first, count, revision=lambda number: _digest(1 + number))
    return f"models/{checkpoint.slug}/versions"


def list_connectors(_: User, count: int) -> str:
    for number in range(count):
        Connector.objects.create(
            checkpoint=make_checkpoint(make_card(slug=f"far-{number}")),
            kind=ConnectorKind.SERVER,
            url="https://example.com",
            model="m",
        )
    return "connectors"


def list_tags(owner: User, count: int) -> str:
    first = create_tag(owner=owner, name="mine")
    copies(first, count, name=lambda number: f"mine {number}", key=lambda number: f"mine {number}")
    return "tags"


def _chain(owner: User) -> Chain:
    steps = VersionWish(Definition((Step("Say", "toy-text", "mine"),)))
    return create_chain(owner=owner, wish=ChainWish("Mine"), steps=steps)


def list_chains(owner: User, count: int) -> str:
    first = _chain(owner)
    made = copies(Chain.objects.get(id=first.id), count, name=lambda number: f"Mine {number}")
    copies(first.versions.get(), count, chain=lambda number: made[number])
    return "chains"


def list_chain_versions(owner: User, count: int) -> str:
    first = _chain(owner)
    copies(first.versions.get(), count, number=lambda number: number + 2)
    return f"chains/{first.id}/versions"


def _chain_runs(owner: User, count: int) -> Chain:
    chain = _chain(owner)
    started = start_run(owner=owner, chain=chain, values={})
    run = ChainRun.objects.get(id=started.run_id)
    made = copies(run, count)
    generations = _copies_of_waiting(run.steps.get().generation, count)
    copies(
        run.steps.get(),
        count,
        run=lambda number: made[number],
        generation=lambda number: generations[number],
    )
    return chain


def list_chain_runs(owner: User, count: int) -> str:
    _chain_runs(owner, count)
    return "chain-runs"


def list_runs_of_chain(owner: User, count: int) -> str:
    return f"chains/{_chain_runs(owner, count).id}/runs"


def _copies_of_waiting(generation: Generation | None, count: int) -> list[Generation]:
    assert generation is not None
    jobs = copies(generation.job, count)
    return copies(
        Generation.objects.get(id=generation.id),
        count,
        job=lambda number: jobs[number],
        number=lambda number: 8_000_000 + number,
    )


def list_comparisons(owner: User, count: int) -> str:
    make_models()
    copies(make_comparison(owner), count)
    return "comparisons"


def list_votes(owner: User, count: int) -> str:
    make_models()
    batch = make_comparison(owner)
    finish(batch)
    prefer(owner, batch, winner="alpha-one", loser="beta-two")
    voters = copies(make_user(), count, username=lambda number: f"voter-{number}")
    copies(batch.votes.get(), count, voter=lambda number: voters[number])
    return f"comparisons/{batch.id}/votes"


def _queue(owner: User) -> ReviewQueue:
    return create_queue(creator=owner, wish=QueueWish("Mine"))


def list_review_queues(owner: User, count: int) -> str:
    first = ReviewQueue.objects.get(id=_queue(owner).id)
    copies(first, count, name=lambda number: f"Mine {number}")
    return "review-queues"


def list_review_items(owner: User, count: int) -> str:
    queue = _queue(owner)
    first = ReviewItem.objects.create(queue=queue, generation=make_done(owner=owner))
    made = _generations(owner, count)
    copies(first, count, generation=lambda number: made[number])
    return f"review-queues/{queue.id}/items"


def list_decisions(owner: User, count: int) -> str:
    generation = make_done(owner=owner, prompt="mine")
    decide(reviewer=owner, generations=[generation.id], judgement=Judgement("approved"))
    people = copies(owner, count, username=lambda number: f"reviewer-{number}")
    first = Decision.objects.get(generation=generation)
    copies(first, count, reviewer=lambda number: people[number])
    return f"generations/{generation.id}/decisions"


#: Each operation that answers with a list: stores that many rows of the owner's, says its path.
LISTS: dict[str, Callable[[User, int], str]] = {
    "answers_list": list_answers,
    "api_keys_list": list_api_keys,
    "batches_list": list_batches,
    "chain_runs_list": list_chain_runs,
    "chain_runs_of_chain": list_runs_of_chain,
    "chain_versions_list": list_chain_versions,
    "chains_list": list_chains,
    "chats_list": list_chats,
    "collection_items_list": list_collection_items,
    "collections_list": list_collections,
    "comparisons_list": list_comparisons,
    "connectors_list": list_connectors,
    "decisions_list": list_decisions,
    "documents_chunks": list_chunks,
    "documents_list": list_documents,
    "documents_versions": list_document_versions,
    "entities_list": list_entities,
    "entities_relations": list_relations,
    "feedback_list": list_feedback,
    "generations_list": list_generations,
    "generations_reproductions": list_reproductions,
    "model_versions_list": list_model_versions,
    "models_list": list_models,
    "prompt_versions_list": list_prompt_versions,
    "prompts_list": list_prompts,
    "review_items_list": list_review_items,
    "review_queues_list": list_review_queues,
    "saved_searches_list": list_saved_searches,
    "search": search,
    "tags_list": list_tags,
    "uploads_list": list_uploads,
    "votes_list": list_votes,
    "webhook_deliveries_list": list_deliveries,
    "webhook_endpoints_list": list_endpoints,
}

#: Lists that are not looked at, and why.
EXCEPTIONS = {
    "embedding_spaces_list": "an instance has two or three, each an index of its own",
    "rankings_list": "one row for each model of a task",
    "generations_similar": "the statement of `search`, with a vector for the words",
    "uploads_similar": "the one of `search` by look, at most 200 of a table with a graph",
}
#: What there are few of, however long a site runs, most of it by a limit: no case for thousands.
FEW = {
    "connectors_list",
    "generations_reproductions",
    "model_versions_list",
    "models_list",
    "saved_searches_list",
    "webhook_endpoints_list",
}
#: Who is shown a list with the rows of several people.
READERS = {
    "connectors_list": Role.ADMIN,
    "decisions_list": Role.REVIEWER,
    "feedback_list": Role.REVIEWER,
    "review_items_list": Role.REVIEWER,
    "review_queues_list": Role.REVIEWER,
    "votes_list": Role.REVIEWER,
}
