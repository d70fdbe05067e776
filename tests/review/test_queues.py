"""Review queues: filling, handing out, deciding, taking back, and what a result comes to."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from genmodels.contract import InvalidRequest
from tests.factories import make_generation, make_user
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.generations.models import Generation
from webapp.review import decision_operations, queue_operations, queue_queries
from webapp.review.decision_operations import Judgement
from webapp.review.models import Decision, ReviewAssignment, ReviewItem, ReviewQueue
from webapp.review.operations import give_feedback
from webapp.review.queue_operations import QueueFilter, QueueWish

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewers() -> list[User]:
    return [make_user(Role.REVIEWER) for _ in range(3)]


@pytest.fixture
def results() -> list[Generation]:
    owner = make_user()
    return [make_done(owner=owner) for _ in range(3)]


def make_queue(creator: User, *, overlap: int = 1, only: QueueFilter | None = None) -> ReviewQueue:
    wish = QueueWish(f"Queue {uuid.uuid4()}", overlap=overlap, only=only or QueueFilter())
    return queue_operations.create_queue(creator=creator, wish=wish)


def decide(reviewer: User, item: ReviewItem, verdict: str, **more: Any) -> uuid.UUID:
    return decision_operations.decide(
        reviewer=reviewer,
        generations=[item.generation_id],
        judgement=Judgement(verdict, **more),
        item_of={item.generation_id: item.id},
    )


def standing(generation: Generation) -> str:
    return Generation.objects.get(id=generation.id).standing


def test_a_queue_takes_in_results_that_it_asks_for_and_later_those_that_came_since(
    reviewers: list[User], results: list[Generation]
) -> None:
    trashed = make_done(owner=results[0].owner)
    Generation.objects.filter(id=trashed.id).update(trashed_at=timezone.now())
    give_feedback(author=results[0].owner, generation=results[0], score=2)
    give_feedback(author=results[1].owner, generation=results[1], score=5)
    everything = make_queue(reviewers[0])
    held = ReviewItem.objects.filter(queue=everything).values_list("generation_id", flat=True)
    assert set(held) == {each.id for each in results}
    disliked = make_queue(reviewers[0], only=QueueFilter(max_score=2))
    assert [item.generation_id for item in disliked.items.all()] == [results[0].id]
    assert queue_operations.fill_queue(queue=everything) == 0
    make_done(owner=results[0].owner)
    make_generation(owner=results[0].owner)
    assert queue_operations.fill_queue(queue=everything) == 1


def test_what_is_wrong_with_a_queue_is_said_at_once_and_nothing_is_made(
    reviewers: list[User],
) -> None:
    wish = QueueWish(
        " ", overlap=9, labels=("x" * 41,), only=QueueFilter(families=("cat",), max_score=7)
    )
    with pytest.raises(InvalidRequest) as refused:
        queue_operations.create_queue(creator=reviewers[0], wish=wish)
    pointers = {fault.pointer for fault in refused.value.faults}
    assert pointers == {"/name", "/overlap", "/labels", "/only/families", "/only/max_score"}
    assert not ReviewQueue.objects.exists()
    first = make_queue(reviewers[0])
    with pytest.raises(queue_operations.UnableToNameQueue):
        queue_operations.create_queue(creator=reviewers[1], wish=QueueWish(first.name.upper()))


def test_each_reviewer_is_given_every_item_once_and_no_place_twice(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0], overlap=2)
    first = queue_operations.assign_next(queue=queue, reviewer=reviewers[0])
    second = queue_operations.assign_next(queue=queue, reviewer=reviewers[1])
    third = queue_operations.assign_next(queue=queue, reviewer=reviewers[2])
    assert first is not None
    assert first == second, "an overlap of two has two places"
    assert third is not None
    assert third != first, "the third finds both places held"
    seen = set()
    item = queue_operations.assign_next(queue=queue, reviewer=reviewers[0])
    while item is not None:
        assert item.id not in seen
        seen.add(item.id)
        decide(reviewers[0], item, "approved")
        item = queue_operations.assign_next(queue=queue, reviewer=reviewers[0], after=item.id)
    assert len(seen) == len(results)


def test_a_place_is_free_again_when_its_time_is_over_or_its_holder_moves_on(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0])
    first = queue_operations.assign_next(queue=queue, reviewer=reviewers[0])
    assert first is not None
    elsewhere = queue_operations.assign_next(queue=queue, reviewer=reviewers[1])
    assert elsewhere != first
    ReviewAssignment.objects.filter(item=first).update(
        until=timezone.now() - dt.timedelta(seconds=1)
    )
    assert queue_operations.assign_next(queue=queue, reviewer=reviewers[2]) == first
    moved = queue_operations.assign_next(queue=queue, reviewer=reviewers[2], after=first.id)
    assert moved not in {first, elsewhere}
    assert queue_operations.assign_next(queue=queue, reviewer=reviewers[0]) == first


def test_a_closed_queue_hands_out_nothing_until_it_is_opened_again(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0])
    queue_operations.close_queue(queue=queue)
    closed = queue_queries.get_queue(queue.id)
    with pytest.raises(queue_operations.UnableToAssign):
        queue_operations.assign_next(queue=closed, reviewer=reviewers[0])
    queue_operations.reopen_queue(queue=closed)
    opened = queue_queries.get_queue(queue.id)
    assert queue_operations.assign_next(queue=opened, reviewer=reviewers[0]) is not None


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["approved"], "approved"),
        (["approved", "approved"], "approved"),
        (["rejected", "rejected"], "rejected"),
        (["approved", "rejected"], "disputed"),
        (["approved", "approved", "flagged"], "flagged"),
    ],
)
def test_a_result_stands_as_the_decisions_of_all_reviewers_say(
    reviewers: list[User], results: list[Generation], verdicts: list[str], expected: str
) -> None:
    queue = make_queue(reviewers[0], overlap=3)
    item = queue.items.get(generation=results[0])
    for reviewer, verdict in zip(reviewers, verdicts, strict=False):
        decide(reviewer, item, verdict)
    assert standing(results[0]) == expected
    assert ReviewItem.objects.get(id=item.id).num_decisions == len(verdicts)


def test_a_decision_is_replaced_by_a_later_one_and_taken_back_without_losing_the_record(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0])
    item = queue.items.get(generation=results[0])
    first = decide(reviewers[0], item, "rejected", comment="Blurred", score=2)
    second = decide(reviewers[0], item, "approved", labels=("good", " good "))
    assert standing(results[0]) == "approved"
    assert Generation.objects.get(id=results[0].id).mean_score == 2.0
    taken = decision_operations.take_back(reviewer=reviewers[0], act=first)
    assert taken == 0, "what was replaced is not there to be taken back"
    assert decision_operations.take_back(reviewer=reviewers[1], act=second) == 0
    assert decision_operations.take_back(reviewer=reviewers[0], act=second) == 1
    assert decision_operations.take_back(reviewer=reviewers[0], act=second) == 0
    assert standing(results[0]) == ""
    assert ReviewItem.objects.get(id=item.id).num_decisions == 0
    record = Decision.objects.filter(generation=results[0]).order_by("id")
    assert [row.verdict for row in record] == ["rejected", "approved", ""]
    assert record[1].labels == ["good"]


def test_a_decision_on_many_is_made_on_all_or_on_none_and_taken_back_in_one(
    reviewers: list[User], results: list[Generation]
) -> None:
    unfinished = make_generation(owner=results[0].owner)
    ids = [each.id for each in results]
    with pytest.raises(decision_operations.UnableToDecide):
        decision_operations.decide(
            reviewer=reviewers[0],
            generations=[*ids, unfinished.id],
            judgement=Judgement("flagged"),
        )
    with pytest.raises(InvalidRequest):
        decision_operations.decide(
            reviewer=reviewers[0], generations=ids, judgement=Judgement("flagged", score=6)
        )
    assert not Decision.objects.exists()
    act = decision_operations.decide(
        reviewer=reviewers[0], generations=ids, judgement=Judgement("flagged")
    )
    assert queue_queries.count_standings()["flagged"] == 3
    assert decision_operations.take_back(reviewer=reviewers[0], act=act) == 3
    assert queue_queries.count_standings()["flagged"] == 0


def test_progress_and_agreement_count_what_stands_now(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0], overlap=2)
    items = list(queue.items.order_by("id"))
    for item in items:
        decide(reviewers[0], item, "approved")
    decide(reviewers[1], items[0], "approved")
    act = decide(reviewers[1], items[1], "approved")
    decide(reviewers[1], items[2], "rejected")
    decision_operations.take_back(reviewer=reviewers[1], act=act)
    progress = queue_queries.measure_progress(queues=[queue], reviewer=reviewers[1])[queue.id]
    assert (progress.total, progress.done, progress.own) == (3, 2, 2)
    agreement, tallies = queue_queries.tally(queue)
    assert agreement.num_items == 2
    assert agreement.same == 0.5
    assert agreement.alpha == pytest.approx(0.0)
    assert [(each.approved, each.rejected) for each in tallies] == [(3, 0), (1, 1)]


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_are_given_different_items(results: list[Generation]) -> None:
    reviewers = [make_user(Role.REVIEWER) for _ in range(2)]
    queue = make_queue(reviewers[0])
    given: list[ReviewItem | None] = []
    together = threading.Barrier(2)

    def ask(reviewer: User) -> None:
        together.wait()
        given.append(queue_operations.assign_next(queue=queue, reviewer=reviewer))
        connection.close()

    threads = [threading.Thread(target=ask, args=(each,)) for each in reviewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in given
    assert len(set(given)) == 2
