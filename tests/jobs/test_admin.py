"""The operators' pages of jobs: to look at, and to try again."""

import pytest
from django.test import Client

from tests.factories import PASSWORD, make_job, make_user, make_worker
from webapp.accounts.models import Role
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"


def signed_in(*roles: Role) -> Client:
    client = Client()
    assert client.login(username=make_user(*roles).username, password=PASSWORD)
    return client


@pytest.fixture
def failed() -> Job:
    job = make_job(owner=make_user())
    [claimed] = jobs.claim_jobs(worker_id=make_worker().id, queues=[job.queue], limit=1)
    jobs.fail_job(job_id=job.id, fence=claimed.fence, code="oom", detail="", transient=False)
    return job


def test_an_admin_lets_a_failed_job_try_again(failed):
    queued = make_job(owner=make_user())
    answer = signed_in(Role.ADMIN).post(
        LIST, {"action": "try_again", "_selected_action": [failed.id, queued.id]}, follow=True
    )
    assert "1 of 2 jobs" in answer.content.decode()
    failed.refresh_from_db()
    assert (failed.state, failed.attempt) == ("queued", 0)


def test_nobody_edits_a_job(failed):
    client = signed_in(Role.ADMIN)
    assert client.get(LIST).status_code == 200
    assert client.get("/admin/jobs/worker/").status_code == 200
    assert client.post(f"{LIST}{failed.id}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_reviewers_are_no_operators(failed):
    assert signed_in(Role.REVIEWER).get(LIST).status_code == 302
