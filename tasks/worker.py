"""What every worker process does beside its work: register, beat, recover, look for lost rows.

Celery spawns the processes; this module hangs its own life on Celery's signals. The parent process
runs no jobs. It keeps an eye on its children, because a child whose interpreter hangs can do
nothing for itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import resource
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from billiard import current_process
from celery import signals
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from tasks.recovery import recover
from webapp import queueing
from webapp.common.problems import DATABASE_OUTAGES
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.models import Worker, WorkerState

logger = logging.getLogger(__name__)

#: Without a beat for this long, a process must assume that others have taken its jobs.
UNSURE_AFTER_SECONDS = 20
#: A job may overrun its deadline by this much before its process is ended by force.
OVERRUN_SECONDS = 15
#: How often the index is looked over for what a lost wake-up left out.
INDEX_LOOK_SECONDS = 30
#: How far processes that serve no family step back.
NICENESS_OF_LIBRARY = 10
_EXIT_FENCED = 70
_EXIT_OVERRUN = 71

_QUEUES = "PINAKES_WORKER_QUEUES"
_NODE = "PINAKES_WORKER_NODE"
_PROC = Path("/proc")


class BatchLimits(dict[str, int]):
    """How many runs of a checkpoint fit into memory, by batch key; tells of what it learns."""

    def __init__(self, tell: Callable[[dict[str, int]], None]) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, key: str, limit: int) -> None:
        """Learn a limit."""
        super().__setitem__(key, limit)
        self._tell(dict(self))


class WorkerProcess:
    """The life of one pool process: its row, its heartbeat and the jobs that it holds."""

    def __init__(self, *, queues: list[str], node: str, slot: int) -> None:
        self.queues = queues
        self.node = node
        self.slot = slot
        self.busy = False
        self.draining = threading.Event()
        #: Set when there may be new jobs.
        self.nudged = threading.Event()
        #: Jobs that somebody has just asked to cancel; whoever runs jobs empties it.
        self.doomed: set[uuid.UUID] = set()
        #: By batch key: how many runs fit into memory, where that is fewer than there are slots.
        self.batch_limits: MutableMapping[str, int] = BatchLimits(
            lambda limits: self.tell(batch_limits=limits)
        )
        #: What is to be done before the process signs off.
        self.farewells: list[Callable[[], None]] = []
        self.info: dict[str, Any] = {"python": platform.python_version()}
        self._id: int | None = None
        self._last_beat = time.monotonic()
        self._held: dict[uuid.UUID, float] = {}
        self._held_lock = threading.Lock()
        self._register_lock = threading.Lock()

    @property
    def id(self) -> int:
        """The row's id; registering waits here for a database that is not up yet."""
        while self._id is None:
            self._register()
            if self._id is None:
                time.sleep(0.5)
        return self._id

    @property
    def sure(self) -> bool:
        """Whether the lease was renewed recently enough to go on."""
        return time.monotonic() - self._last_beat < UNSURE_AFTER_SECONDS

    @property
    def accepts_work(self) -> bool:
        """Whether new jobs may be claimed."""
        return self.sure and not self.draining.is_set()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Marks the time in which the process looks for work by itself."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None:
        """Start the watchdog's clock for a job that was just claimed."""
        with self._held_lock:
            self._held[job_id] = time.monotonic() + seconds

    def let_go(self, job_id: uuid.UUID) -> None:
        """Stop the watchdog's clock for a job."""
        with self._held_lock:
            self._held.pop(job_id, None)

    def tell(self, **facts: Any) -> None:
        """Add to what the next heartbeat says about this process."""
        # A new dictionary, because the heartbeat's thread may be reading the old one.
        self.info = {**self.info, **facts}

    def start(self) -> None:
        """Begin to beat, and to listen."""
        threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True).start()
        threading.Thread(target=self._listen_forever, name="listener", daemon=True).start()

    def retire(self) -> None:
        """Sign off at an orderly end."""
        if self._id is not None:
            with contextlib.suppress(*DATABASE_OUTAGES):
                for farewell in self.farewells:
                    farewell()
                jobs.retire_worker(worker_id=self._id)

    def _register(self) -> None:
        # The heartbeat and the first job come at the same time; a second row would declare the
        # first one dead, and what was claimed under it would be lost.
        with self._register_lock:
            if self._id is None:
                self._register_once()

    def _register_once(self) -> None:
        try:
            before = job_queries.latest_info(node=self.node, slot=self.slot)
            for key, limit in before.get("batch_limits", {}).items():
                self.batch_limits[key] = limit
            row = jobs.register_worker(
                queues=self.queues,
                node=self.node,
                slot=self.slot,
                pid=os.getpid(),
                info=self._vitals(),
            )
            self._id = row.id
            self._last_beat = time.monotonic()
            recover()
        except DATABASE_OUTAGES as error:
            connection.close()
            logger.warning("not registered yet: %s", error)

    def _beat_forever(self) -> None:
        next_beat = next_look = next_index_look = 0.0
        while True:
            self._end_overrun()
            now = time.monotonic()
            try:
                if self._id is None:
                    self._register()
                elif now >= next_beat:
                    next_beat = now + settings.JOBS_HEARTBEAT_INTERVAL
                    self._beat()
                if self._id is not None and now >= next_look:
                    next_look = now + settings.JOBS_IDLE_LOOK_INTERVAL
                    self._look()
                if self._id is not None and now >= next_index_look:
                    next_index_look = now + INDEX_LOOK_SECONDS
                    self._look_at_index()
            except DATABASE_OUTAGES as error:
                logger.warning("heartbeat missed: %s", error)
                connection.close()
            time.sleep(0.5)

    def _beat(self) -> None:
        assert self._id is not None
        state = jobs.beat(worker_id=self._id, info=self._vitals())
        if state is None:
            logger.error("this process was declared dead; its jobs belong to others now")
            os._exit(_EXIT_FENCED)
        self._last_beat = time.monotonic()
        if state == WorkerState.DRAINING:
            self.draining.set()
        recover()

    def _listen_forever(self) -> None:
        """Hear at once of new jobs and of cancels; without Redis the rows tell a little later."""
        for nudge in queueing.listen(self.queues):
            if nudge.doomed_job_id is not None:
                self.doomed.add(nudge.doomed_job_id)
            self.nudged.set()

    def _look(self) -> None:
        """Find rows whose wake-up was lost; also what makes queued retries start in time."""
        if self.busy or self.draining.is_set():
            return
        for queue in job_queries.queues_with_work(self.queues):
            queueing.wake(queue)

    def _look_at_index(self) -> None:
        """What is missing in index and graph is no job, so nothing short of looking can tell."""
        if self.busy or not self.accepts_work:
            return
        for queue in (queueing.INDEXING_QUEUE, queueing.GRAPH_QUEUE):
            if queue in self.queues:
                queueing.wake(queue)

    def _end_overrun(self) -> None:
        """A thread goes on beating while a kernel hangs, so jobs have a clock of their own."""
        with self._held_lock:
            overdue = [
                job_id
                for job_id, deadline in self._held.items()
                if deadline + OVERRUN_SECONDS < time.monotonic()
            ]
        if overdue:
            logger.error("job %s overran its deadline and cannot be stopped", overdue[0])
            os._exit(_EXIT_OVERRUN)

    def _vitals(self) -> dict[str, Any]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {**self.info, "peak_rss_kib": peak, "running": len(self._held)}


_process: WorkerProcess | None = None


def this_process() -> WorkerProcess:
    """The pool process that this code runs in."""
    assert _process is not None, "only to be called in a worker's pool process"
    return _process


@signals.worker_init.connect
def _remember_options(sender: Any, **_: Any) -> None:  # noqa: ANN401 -- Celery has no types
    """Hand the command line to the children, who are spawned and know the environment only."""
    os.environ[_QUEUES] = ",".join(sender.app.amqp.queues.consume_from)
    os.environ[_NODE] = sender.hostname


@signals.worker_process_init.connect
def _start_process(**_: Any) -> None:
    global _process  # noqa: PLW0603 -- there is one life per process
    # An interrupt at the terminal reaches the whole group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    queues = os.environ[_QUEUES].split(",")
    if not any(queue.startswith("family.") for queue in queues):
        # Making things findable can wait a moment; somebody waits for what is being made.
        os.nice(NICENESS_OF_LIBRARY)
    _process = WorkerProcess(
        queues=queues,
        node=os.environ[_NODE],
        slot=current_process().index,
    )
    _process.start()


@signals.worker_process_shutdown.connect
def _retire_process(**_: Any) -> None:
    if _process is not None:
        _process.retire()


@signals.worker_shutting_down.connect
def _drain_node(**_: Any) -> None:
    with contextlib.suppress(*DATABASE_OUTAGES):
        jobs.drain_workers(node=os.environ[_NODE])


@signals.worker_ready.connect
def _watch_children(**_: Any) -> None:
    threading.Thread(target=_kill_the_hanging, name="watch-children", daemon=True).start()


def _kill_the_hanging() -> None:
    """End children that were declared dead but still exist: their interpreter hangs."""
    while True:
        time.sleep(settings.JOBS_HEARTBEAT_INTERVAL)
        try:
            recover()
            # One that retired a moment ago is on its way out and beat until then.
            dead = Worker.objects.filter(
                node=os.environ[_NODE],
                state=WorkerState.DEAD,
                heartbeat_at__lt=Now() - timedelta(seconds=OVERRUN_SECONDS),
            )
            suspects = set(dead.order_by("-id").values_list("pid", flat=True)[:20])
            alive = set(job_queries.live_workers().values_list("pid", flat=True))
        except DATABASE_OUTAGES:
            connection.close()
            continue
        for pid in (suspects - alive) & _children():
            logger.error("process %s hangs; ending it", pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _children() -> set[int]:
    """The processes whose parent is this one; none where there is no /proc."""
    found = set()
    for stat in _PROC.glob("[0-9]*/stat") if _PROC.is_dir() else ():
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.add(int(stat.parent.name))
    return found
