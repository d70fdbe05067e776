"""The worker's Celery application: `celery -A webapp worker -Q family.diffusion,family.gan`.

Celery is the transport and the process pool, nothing else: no state lives in messages, so a
message is acknowledged on receipt, and what a killed process was doing is found through its lease
(`webapp/jobs`).
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
os.environ.setdefault("PINAKES_STATEMENT_TIMEOUT_MS", "30000")

# Celery's own help for Django is left out: it would run every system check in every worker, which
# imports all pages. Connections are closed where they fail (see `tasks`).
app = Celery("pinakes", broker=settings.BROKER_URL, fixups=[])
app.conf.update(
    include=[
        "tasks.answering",
        "tasks.chains",
        "tasks.generation",
        "tasks.graph",
        "tasks.indexing",
        "tasks.ingestion",
        "tasks.webhooks",
        "tasks.worker",
    ],
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=False,
    task_ignore_result=True,
    worker_pool_start_method="spawn",
    # A child imports torch before it reports; the default of 4 seconds is for forked ones.
    worker_proc_alive_timeout=120,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
)
