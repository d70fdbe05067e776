"""What ends is told, signed, at least once, and never for ever."""

from __future__ import annotations

import datetime
import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook, WebhookVerificationError

from tests.factories import make_generation, make_user, make_worker
from tests.pages.makers import make_done, make_failed
from tests.webhooks.receiver import running_receiver
from webapp import queueing
from webapp.chains.definitions import Definition, Step
from webapp.chains.models import ChainRun
from webapp.chains.operations import ChainWish, VersionWish, create_chain
from webapp.chains.run_operations import cancel_run, start_run
from webapp.common.problems import DATABASE_OUTAGES
from webapp.generations.models import Generation
from webapp.generations.operations import cancel_generation
from webapp.jobs import operations as jobs
from webapp.jobs.models import FairShare, IdempotencyKey, Job, JobState
from webapp.jobs.queries import standing_of
from webapp.webhooks import operations
from webapp.webhooks.messages import generate_secret, make_body, sign
from webapp.webhooks.models import Delivery, DeliveryAttempt, Endpoint, Watch
from webapp.webhooks.operations import EndpointWish, create_endpoint, update_endpoint


def due_now() -> None:
    Job.objects.filter(kind="webhook", state=JobState.QUEUED).update(sched_at=timezone.now())


def state_of(delivery: Delivery) -> str:
    return Job.objects.get(delivery=delivery).state


def test_the_published_vector():
    """The example of the specification's reference libraries."""
    headers = sign(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.datetime.fromtimestamp(1614265330, tz=datetime.UTC),
        body=b'{"test": 2432232314}',
        signing_secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_result_is_told_with_a_signature_that_holds(owner, receiver, made, carry):
    generation = make_done(owner=owner, prompt="tell of me")
    carry()
    [request] = receiver.received
    message = Webhook(made.secret).verify(request.body, request.headers)
    assert message["type"] == "generation.succeeded"
    assert message["data"]["id"] == str(generation.id)
    assert message["data"]["prompt"] == "tell of me"
    assert message["data"]["status_seq"] == generation.job.status_seq
    assert request.headers["Content-Type"] == "application/json"
    delivery = Delivery.objects.get()
    assert state_of(delivery) == JobState.SUCCEEDED
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.status, attempt.answer) == (200, "thank you")
    with pytest.raises(WebhookVerificationError):
        Webhook(generate_secret()).verify(request.body, request.headers)


def test_the_end_of_a_run_is_told_once_with_its_steps(owner, receiver, made, carry):
    step = Step("Write", "toy-text", "once")
    chain = create_chain(
        owner=owner, wish=ChainWish("Once"), steps=VersionWish(Definition((step,)))
    )
    run_id = start_run(owner=owner, chain=chain, values={}).run_id
    run = ChainRun.objects.get(id=run_id)
    carry()
    assert receiver.received == []
    cancel_run(run=run)
    for _ in range(2):
        carry()
    messages = {message["type"]: message for message in map(read_message, receiver.received)}
    assert set(messages) == {"generation.canceled", "chain_run.canceled"}
    assert len(receiver.received) == 2
    told = messages["chain_run.canceled"]["data"]
    assert (told["id"], told["status"], told["terminal"]) == (str(run_id), "canceled", True)
    assert told["steps"][0]["generation"] == messages["generation.canceled"]["data"]["id"]


def read_message(request):
    return json.loads(request.body)


def test_each_end_is_told_once_and_only_what_was_asked_for(owner, receiver, made, carry):
    update_endpoint(
        endpoint=made.endpoint,
        wish=EndpointWish(url=receiver.url, event_types=("generation.failed",)),
    )
    make_done(owner=owner)
    failed = make_failed(owner=owner)
    cancel_generation(generation=make_generation(owner=owner))
    for _ in range(3):
        carry()
    [request] = receiver.received
    message = json.loads(request.body)
    assert message["type"] == "generation.failed"
    assert message["data"]["id"] == str(failed.id)
    assert message["data"]["status_reason"]["code"] == "out_of_memory"


def test_nothing_of_others_and_nothing_of_before(owner, receiver, made, carry):
    make_done(owner=make_user())
    Endpoint.objects.update(enabled_at=timezone.now() + timedelta(seconds=60))
    make_done(owner=owner)
    carry()
    assert receiver.received == []


def ask(owner, endpoint, **headers):
    client = APIClient()
    client.force_authenticate(owner)
    body = {"model": "toy-text", "prompt": "tell of me", "webhook": str(endpoint.id)}
    return client.post("/api/v1/generations", body, format="json", headers=headers)


def test_an_endpoint_is_told_of_the_generation_that_names_it_and_of_no_other(
    owner, receiver, made, carry
):
    update_endpoint(endpoint=made.endpoint, wish=EndpointWish(url=receiver.url, event_types=()))
    first = ask(owner, made.endpoint, **{"Idempotency-Key": "k"})
    again = ask(owner, made.endpoint, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    cancel_generation(generation=make_generation(owner=owner))
    carry()
    assert receiver.received == [], "it has not ended, and the other does not name it"
    generation = Generation.objects.get(id=first.json()["id"])
    cancel_generation(generation=generation)
    for _ in range(2):
        carry()
    [request] = receiver.received
    message = Webhook(made.secret).verify(request.body, request.headers)
    assert (message["type"], message["data"]["id"]) == ("generation.canceled", str(generation.id))
    assert not Watch.objects.exists()


def test_a_subscribed_endpoint_that_is_named_as_well_is_told_once(owner, receiver, made, carry):
    answer = ask(owner, made.endpoint)
    cancel_generation(generation=Generation.objects.get(id=answer.json()["id"]))
    for _ in range(2):
        carry()
    assert len(receiver.received) == 1
    assert not Watch.objects.exists()


def test_an_endpoint_that_cannot_be_told_refuses_the_generation(owner, receiver, made):
    stranger = make_user()
    assert [fault["pointer"] for fault in ask(stranger, made.endpoint).json()["errors"]] == [
        "/webhook"
    ]
    Endpoint.objects.update(enabled=False)
    refused = ask(owner, made.endpoint, **{"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "switched_off")
    assert not Generation.objects.exists()
    assert not IdempotencyKey.objects.exists()


def pause_of(job: Job) -> float:
    """Seconds between the last attempt and the next."""
    return (job.sched_at - DeliveryAttempt.objects.latest("id").at).total_seconds()


def test_a_failure_is_tried_again_later_under_the_same_id(owner, receiver, made, carry):
    make_done(owner=owner)
    receiver.status, receiver.body = 500, b"<b>broken</b>\x00"
    carry()
    job = Job.objects.get(kind="webhook")
    assert job.state == JobState.QUEUED
    assert 3.9 <= pause_of(job) <= 6.1
    due_now()
    receiver.status = 204
    carry()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [row.status for row in DeliveryAttempt.objects.order_by("id")] == [500, 204]
    assert DeliveryAttempt.objects.order_by("id")[0].answer == "<b>broken</b>"
    assert state_of(Delivery.objects.get()) == JobState.SUCCEEDED


def test_pauses_grow_to_three_days(owner, receiver, made, carry):
    make_done(owner=owner)
    receiver.status = 503
    pauses = []
    for _ in operations.RETRY_SECONDS:
        carry()
        job = Job.objects.get(kind="webhook")
        pauses.append(pause_of(job))
        due_now()
    for pause, planned in zip(pauses, operations.RETRY_SECONDS, strict=True):
        assert 0.79 * planned <= pause <= 1.2 * planned
    assert sum(operations.RETRY_SECONDS) > 48 * 3600
    carry()
    assert Job.objects.get(kind="webhook").state == JobState.FAILED
    assert len(receiver.received) == len(operations.RETRY_SECONDS) + 1


def test_a_receiver_may_ask_for_more_time(owner, receiver, made, carry):
    make_done(owner=owner)
    receiver.status, receiver.headers = 429, {"Retry-After": "900"}
    carry()
    assert pause_of(Job.objects.get(kind="webhook")) >= 899
    due_now()
    receiver.headers = {"Retry-After": "99999999"}
    carry()
    assert pause_of(Job.objects.get(kind="webhook")) <= 86_400


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404])
def test_redirects_and_refusals_are_failures(owner, receiver, made, carry, status):
    make_done(owner=owner)
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    carry()
    assert len(receiver.received) == 1
    assert Job.objects.get(kind="webhook").state == JobState.QUEUED


def test_gone_switches_off_at_once(owner, receiver, made, carry):
    make_done(owner=owner)
    receiver.status = 410
    carry()
    made.endpoint.refresh_from_db()
    assert not made.endpoint.enabled
    assert "410" in made.endpoint.disabled_reason
    make_done(owner=owner)
    carry()
    assert len(receiver.received) == 1


def test_five_dead_in_a_row_switch_off_and_stop_what_waits(owner, receiver, made, carry):
    receiver.status = 500
    for _ in range(operations.MAX_DEAD + 1):
        make_done(owner=owner)
    carry()
    endings = list(Job.objects.filter(kind="webhook").order_by("id"))
    for job in endings[: operations.MAX_DEAD]:
        Job.objects.filter(id=job.id).update(attempt=job.max_attempts - 1, sched_at=timezone.now())
    carry()
    made.endpoint.refresh_from_db()
    assert not made.endpoint.enabled
    assert "5 messages in a row" in made.endpoint.disabled_reason
    assert Job.objects.get(id=endings[-1].id).state == JobState.CANCELED


def test_one_that_arrives_forgets_the_dead(owner, receiver, made, carry):
    Endpoint.objects.update(num_dead=4)
    make_done(owner=owner)
    carry()
    made.endpoint.refresh_from_db()
    assert made.endpoint.num_dead == 0


def test_switched_on_again_it_is_told_of_what_ends_from_then_on(owner, receiver, made, carry):
    off = EndpointWish(receiver.url, ("generation.succeeded",), enabled=False)
    update_endpoint(endpoint=made.endpoint, wish=off)
    make_done(owner=owner, prompt="while it was off")
    carry()
    on = EndpointWish(receiver.url, ("generation.succeeded",))
    update_endpoint(endpoint=Endpoint.objects.get(), wish=on)
    make_done(owner=owner, prompt="after")
    carry()
    assert [json.loads(each.body)["data"]["prompt"] for each in receiver.received] == ["after"]


def test_both_secrets_sign_for_a_day_after_rotation(owner, receiver, made, carry):
    rotated = operations.rotate_secret(endpoint=made.endpoint)
    make_done(owner=owner)
    carry()
    for secret in (made.secret, rotated.secret):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    Endpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    make_done(owner=owner)
    carry()
    Webhook(rotated.secret).verify(receiver.received[1].body, receiver.received[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(receiver.received[1].body, receiver.received[1].headers)


def test_secrets_are_not_in_the_database_as_they_are(made):
    row = Endpoint.objects.get()
    assert made.secret not in row.secret
    assert made.secret.removeprefix("whsec_") not in row.secret


def test_a_lost_site_key_switches_off_with_the_reason(owner, receiver, made, carry, settings):
    make_done(owner=owner)
    settings.SECRET_KEY = "another" * 10
    carry()
    row = Endpoint.objects.get()
    assert not row.enabled
    assert "secret" in row.disabled_reason
    assert receiver.received == []


def test_secrets_survive_a_new_site_key(owner, receiver, made, carry, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    make_done(owner=owner)
    carry()
    Webhook(made.secret).verify(receiver.received[0].body, receiver.received[0].headers)


def test_a_crash_between_sending_and_recording_sends_the_same_again(
    owner, receiver, made, courier, carry
):
    make_done(owner=owner)
    courier.step()
    while not receiver.received:
        time.sleep(0.01)
    # The process is gone; the reaper gives the job to the next one.
    jobs.retire_worker(worker_id=courier._process.id)
    courier._in_flight.clear()
    jobs.reap()
    courier._process.id = make_worker(queues=[queueing.WEBHOOKS_QUEUE]).id
    carry()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert state_of(Delivery.objects.get()) == JobState.SUCCEEDED
    assert DeliveryAttempt.objects.count() == 1


def test_a_crash_before_anything_was_queued_loses_nothing(
    owner, receiver, made, carry, monkeypatch
):
    make_done(owner=owner)

    def crash(**_):
        raise DATABASE_OUTAGES[0]

    with monkeypatch.context() as patched:
        patched.setattr(Delivery.objects, "create", crash)
        with pytest.raises(DATABASE_OUTAGES[0]):
            operations.queue_due_messages()
    assert not Job.objects.filter(kind="webhook").exists()
    carry()
    assert len(receiver.received) == 1


def test_an_endpoint_that_is_removed_while_a_message_is_under_way(
    owner, receiver, made, courier, carry
):
    make_done(owner=owner)
    receiver.seconds = 0.3
    courier.step()
    operations.delete_endpoint(endpoint=made.endpoint)
    carry()
    assert not Delivery.objects.exists()
    assert Job.objects.get(kind="webhook").terminal


def test_a_slow_receiver_does_not_hold_up_another(owner, receiver, made, courier, settings):
    """Of ten messages for the slow one two are under way at most; the other's go through."""
    receiver.may_answer.clear()
    with running_receiver() as quick:
        settings.OUTBOUND_ALLOW = settings.OUTBOUND_ALLOW | {quick.place}
        for _ in range(10):
            make_done(owner=owner)
        operations.queue_due_messages()
        create_endpoint(owner=owner, wish=EndpointWish(quick.url, ("generation.succeeded",)))
        make_done(owner=owner)
        until = time.monotonic() + 20
        while not quick.received and time.monotonic() < until:
            courier.step()
            time.sleep(0.01)
        assert len(quick.received) == 1
        assert len(receiver.received) <= 2


def test_an_object_that_is_too_large_is_named_only():
    data = {
        "id": "1", "accession": "P", "status": "succeeded", "status_seq": 3, "terminal": True,
        "links": {"self": "/x"}, "text": "é" * 40_000,
    }  # fmt: skip
    body = make_body(event_type="generation.succeeded", at=timezone.now(), data=data)
    assert set(json.loads(body)["data"]) == set(data) - {"text"}


def test_messages_count_toward_no_limit_of_their_owner(owner, receiver, made, carry, settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 2
    settings.JOBS_MAX_RUNNING_PER_OWNER = 1
    receiver.status = 500
    for _ in range(4):
        make_done(owner=owner)
    carry()
    assert Job.objects.filter(kind="webhook", state=JobState.QUEUED).count() == 4
    standing = standing_of(owner=owner)
    assert (standing.queued, standing.running) == (0, 0)
    assert make_generation(owner=owner).job.state == JobState.QUEUED
    # Nor does what its owner has running keep them back.
    worker = make_worker(queues=["family.transformer"])
    [_] = jobs.claim_jobs(worker_id=worker.id, queues=["family.transformer"], limit=1)
    due_now()
    receiver.status = 200
    carry()
    assert Job.objects.filter(kind="webhook", state=JobState.SUCCEEDED).count() == 4


def test_more_than_anybody_could_want_switches_off(owner, receiver, made, carry, monkeypatch):
    monkeypatch.setattr(operations, "MAX_WAITING", 3)
    receiver.status = 500
    for _ in range(4):
        make_done(owner=owner)
    carry()
    assert not Endpoint.objects.get().enabled


def test_what_is_old_is_forgotten(owner, receiver, made, carry):
    make_done(owner=owner)
    carry()
    assert operations.forget_old_attempts() == 0
    long_ago = timezone.now() - timedelta(days=31)
    DeliveryAttempt.objects.update(at=long_ago)
    Delivery.objects.update(created_at=long_ago)
    operations.forget_old_attempts()
    assert not DeliveryAttempt.objects.exists()
    assert not Delivery.objects.exists()
    assert Generation.objects.exists()


def test_fair_shares_of_messages_are_of_their_own_queue(owner, receiver, made, carry):
    make_done(owner=owner)
    carry()
    queues = set(FairShare.objects.values_list("queue", flat=True))
    assert queues == {"family.transformer", "webhooks"}


def test_what_nobody_expected_fails_one_message_only(owner, receiver, made, carry, monkeypatch):
    make_done(owner=owner)

    def surprise(*_, **__):
        raise ZeroDivisionError("surprise")

    with monkeypatch.context() as patched:
        patched.setattr("webapp.common.outbound.post", surprise)
        carry()
    assert "surprise" in DeliveryAttempt.objects.get().error
    due_now()
    carry()
    assert state_of(Delivery.objects.get()) == JobState.SUCCEEDED
