"""A complete Pinakes under fire: clients that insist, faults that follow each other, a verdict."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from tests.chaos.pretend import FAMILY, STEP_SECONDS, expected_text, make_checkpoint_folder
from tests.chaos.proxy import CuttingProxy
from tests.faults.invariants import find_broken
from webapp.embedded.instance import Instance, running_instance

STEADY, FRAGILE = "chaos-steady", "chaos-fragile"
#: Seconds without a heartbeat after which a process counts as dead, and between beats.
LEASE_SECONDS, BEAT_SECONDS = 8, 1
NUM_CLIENTS = 6
LIBRARY = "chaos-library"
_POISON = ("segfault", "exit")
_OUTAGES = (OSError, psycopg.OperationalError, urllib.error.URLError)


@dataclass(frozen=True)
class Plan:
    """How much of what, all drawn from one seed."""

    seed: int
    num_jobs: int
    seconds_between_faults: float
    #: Kinds of misdeeds, each so many times.
    misdeeds: dict[str, int]
    faults: tuple[str, ...]
    patience_seconds: float = 300.0


@dataclass
class Accepted:
    """A request that the site has promised to do."""

    prompt: str
    seed: int
    model: str
    kind: str
    was_canceled: bool = False


@dataclass
class Report:
    """What came of it; `broken` is empty where every promise was kept."""

    plan: Plan
    accepted: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    refused_meanwhile: Counter[int] = field(default_factory=Counter)
    attempts_lost: int = 0
    commits_cut: int = 0
    rerun_seconds: list[float] = field(default_factory=list)
    cancel_seconds: list[float] = field(default_factory=list)
    streams_ended: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        rerun, cancel = sorted(self.rerun_seconds), sorted(self.cancel_seconds)
        lines = [
            f"seed {self.plan.seed}: {self.accepted} accepted, {self.seconds:.0f} s",
            f"ends: {dict(sorted(self.ends.items()))}",
            f"faults: {dict(sorted(self.faults.items()))}",
            f"attempts lost {self.attempts_lost}, commits cut {self.commits_cut}, "
            f"refused meanwhile {dict(self.refused_meanwhile)}, "
            f"streams that saw the end {self.streams_ended}",
        ]
        if rerun:
            middle, most = rerun[len(rerun) // 2], rerun[-1]
            lines.append(f"from kill to next attempt: median {middle:.2f} s, most {most:.2f} s")
        if cancel:
            middle, most = cancel[len(cancel) // 2], cancel[-1]
            lines.append(
                f"from cancel to end of a running job: median {middle * 1000:.0f} ms "
                f"({middle / STEP_SECONDS:.1f} steps), most {most * 1000:.0f} ms"
            )
        lines += ["every promise was kept"] if not self.broken else ["BROKEN:", *self.broken]
        return "\n".join(lines)


def run_chaos(plan: Plan, *, home: Path, say: Callable[[str], None] = lambda _: None) -> Report:
    """Run a plan on a home that nobody uses. Raises nothing for broken promises: they are told."""
    checkpoints = home / "chaos-checkpoints"
    for slug in (STEADY, FRAGILE):
        make_checkpoint_folder(checkpoints, slug)
    variables = {
        "PINAKES_HEARTBEAT_TTL": str(LEASE_SECONDS),
        "PINAKES_HEARTBEAT_INTERVAL": str(BEAT_SECONDS),
        "PINAKES_IDLE_LOOK_INTERVAL": "1",
        "PINAKES_CHECKPOINTS": str(checkpoints),
        "PINAKES_MAX_QUEUED_PER_OWNER": "100000",
        "PINAKES_REQUESTS_PER_MINUTE": "0",
    }
    with running_instance(home=home, options=("--no-worker",), variables=variables) as site:
        return _Chaos(plan, site, variables, say).run()


class _Chaos:
    def __init__(
        self, plan: Plan, site: Instance, variables: dict[str, str], say: Callable[[str], None]
    ) -> None:
        self.plan = plan
        self.site = site
        self.say = say
        self.report = Report(plan)
        self.accepted: dict[str, Accepted] = {}
        self.lock = threading.Lock()
        self.key = site.manage("create_api_key", "admin").strip()
        self.database_url = json.loads((site.home / "addresses.json").read_text())["DATABASE_URL"]
        sockets = Path(parse_qs(urlsplit(self.database_url).query)["host"][0])
        self.proxy = CuttingProxy(folder=site.home / "px", server=sockets, seed=plan.seed)
        self.variables = {
            **variables,
            "DATABASE_URL": self.database_url.split("?")[0]
            + f"?host={quote(str(self.proxy.folder), safe='')}",
        }
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: list[tuple[list[str], float]] = []
        self.stopping = threading.Event()

    # Workers ------------------------------------------------------------------------------------

    def start_worker(self, name: str) -> None:
        clock = "3600" if name == "chaos-late" else "0"
        is_library = name == LIBRARY
        application = "webapp" if is_library else "tests.chaos.worker"
        queues = "documents,indexing,webhooks,graph" if is_library else f"family.{FAMILY}"
        log = (self.site.home / "logs" / f"{name}.log").open("ab")
        self.workers[name] = subprocess.Popen(
            (
                *(sys.executable, "-m", "celery", "-A", application, "worker"),
                *("-Q", queues, "-c", "1", "-n", f"{name}@%h"),
                *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
            ),
            env={
                **self.site.environment(),
                **self.variables,
                "PINAKES_DEVICE": "cpu",
                "PINAKES_TORCH_THREADS": "1",
                "PINAKES_PROCESS": name,
                "PINAKES_CHAOS_CLOCK": clock,
            },
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )

    def keep_workers(self) -> None:
        """What the supervisor does: start again what has ended."""
        while not self.stopping.wait(0.3):
            for name, process in list(self.workers.items()):
                if process.poll() is not None and not self.stopping.is_set():
                    self.start_worker(name)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        until = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self.database_url, autocommit=True) as connection:
                    return connection.execute(statement.encode(), parameters).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)

    def victims(self) -> list[tuple[int, list[str]]]:
        """Pool processes that may be killed, with the jobs they hold.

        What took three processes down is taken for poison, as it must be: chance is not allowed
        to look like it, so a job that was hit twice is left alone.
        """
        rows = self.query(
            "SELECT w.pid, array_agg(j.id::text), max(j.crashes) FROM jobs_worker w"
            " JOIN jobs_job j ON j.worker_id = w.id WHERE w.state <> 'dead' GROUP BY w.pid"
        )
        return [(pid, held) for pid, held, crashes in rows if crashes < 2]

    # Clients ------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.site.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def insist(self, wish: dict[str, Any], key: str, rng: random.Random) -> str | None:
        """Submit until accepted, under the same key, sometimes twice although it was accepted."""
        ids = set()
        again = rng.random() < 0.2
        while not self.stopping.is_set():
            try:
                status, body = self.call(
                    "POST", "/api/v1/generations", wish, **{"Idempotency-Key": key}
                )
            except _OUTAGES:
                time.sleep(0.2)
                continue
            if status in {201, 202}:
                ids.add(body["id"])
                if not again:
                    break
                again = False
            elif status == 409:
                return None  # the fragile model is broken by now
            elif status in {429, 503}:
                self.report.refused_meanwhile[status] += 1
                time.sleep(0.3)
            else:
                self.report.broken.append(f"submitting was answered {status}: {body}")
                return None
        if len(ids) > 1:
            self.report.broken.append(f"one key made several: {ids}")
        return next(iter(ids), None)

    def run_client(self, number: int, kinds: list[str]) -> None:
        rng = random.Random(f"{self.plan.seed} {number}")
        for place, kind in enumerate(kinds):
            if self.stopping.is_set():
                return
            steps = rng.randint(3, 25) if kind != "cancel" else 400
            prompt = f"{kind}:{steps}:{number}-{place}"
            model = FRAGILE if kind == "fragile" else STEADY
            seed = rng.randrange(2**40)
            wish: dict[str, Any] = {"model": model, "prompt": prompt, "seed": seed}
            if kind == "deadline":
                wish["deadline_in"] = 2
                wish["prompt"] = prompt = f"deadline:2000:{number}-{place}"
            found = self.insist(wish, f"{number}-{place}", rng)
            if found is None:
                continue
            with self.lock:
                self.accepted[found] = Accepted(prompt, seed, model, kind)
            if kind == "cancel" or rng.random() < 0.02:
                time.sleep(rng.random() * 2)
                self.insist_on_cancel(found)
            elif rng.random() < 0.02:
                threading.Thread(target=self.follow, args=(found,), daemon=True).start()

    def insist_on_cancel(self, generation_id: str) -> None:
        self.accepted[generation_id].was_canceled = True
        while not self.stopping.is_set():
            with contextlib.suppress(*_OUTAGES):
                status, _ = self.call("POST", f"/api/v1/generations/{generation_id}/cancel")
                if status in {200, 202}:
                    return
            time.sleep(0.3)

    def follow(self, generation_id: str) -> None:
        """Read the stream to its end, going on where it was cut."""
        last = ""
        while not self.stopping.is_set():
            request = urllib.request.Request(
                f"{self.site.base_url}/api/v1/generations/{generation_id}/events",
                headers={"Authorization": f"Bearer {self.key}", "Last-Event-ID": last},
            )
            with (
                contextlib.suppress(*_OUTAGES),
                urllib.request.urlopen(request, timeout=30) as stream,
            ):
                for line in stream:
                    if line.startswith(b"id: "):
                        last = line[4:].strip().decode()
                    if line.strip() == b"event: generation.finished":
                        self.report.streams_ended += 1
                        return
            time.sleep(0.3)

    # Faults -------------------------------------------------------------------------------------

    def _note_kill(self, job_ids: list[str]) -> None:
        self.kills.append((job_ids, time.time()))

    def kill_child(self, rng: random.Random) -> None:
        if found := self.victims():
            pid, held = rng.choice(found)
            self._note_kill(held)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_parent(self, rng: random.Random) -> None:
        if not self.victims():
            return
        name = rng.choice(sorted(self.workers))
        held = [
            job_id
            for (job_id,) in self.query(
                "SELECT j.id::text FROM jobs_job j JOIN jobs_worker w ON w.id = j.worker_id"
                " WHERE j.crashes >= 2 AND w.node LIKE %s",
                f"{name}@%",
            )
        ]
        if not held:
            os.kill(self.workers[name].pid, signal.SIGKILL)

    def stop_child_past_its_lease(self, rng: random.Random) -> None:
        if found := self.victims():
            pid, held = rng.choice(found)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._note_kill(held)
                time.sleep(LEASE_SECONDS + 3)
                os.kill(pid, signal.SIGCONT)

    def end_parent_in_order(self, rng: random.Random) -> None:
        self.workers[rng.choice(sorted(self.workers))].send_signal(signal.SIGTERM)

    def kill_redis_and_wipe(self, _: random.Random) -> None:
        os.kill(self.site.process_ids()["Redis"], signal.SIGKILL)
        data = self.site.home / "redis"
        for path in data.rglob("*.aof"):
            path.unlink(missing_ok=True)
        shutil.rmtree(data / "appendonlydir", ignore_errors=True)

    def hang_redis(self, _: random.Random) -> None:
        pid = self.site.process_ids()["Redis"]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(4)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def kill_postgres(self, _: random.Random) -> None:
        os.kill(self.site.process_ids()["PostgreSQL"], signal.SIGKILL)

    def stop_postgres_at_once(self, _: random.Random) -> None:
        os.kill(self.site.process_ids()["PostgreSQL"], signal.SIGQUIT)  # "immediate"

    def cut_commits(self, _: random.Random) -> None:
        self.proxy.share = 0.3
        time.sleep(4)
        self.proxy.share = 0.0

    def fill_the_disk(self, _: random.Random) -> None:
        """No file of a pool process may grow any more: every write fails, as on a full disk."""
        pids = [pid for (pid,) in self.query("SELECT pid FROM jobs_worker WHERE state <> 'dead'")]
        limits = {}
        for pid in pids:
            with contextlib.suppress(OSError):
                limits[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[pid][1]))
        time.sleep(1.5)
        for pid, limit in limits.items():
            with contextlib.suppress(OSError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)

    def double_the_messages(self, _: random.Random) -> None:
        code = (
            "from webapp import queueing as q\n"
            f"for _ in range(1000): q._producer.send_task(q.DRAIN, kwargs={{}}, "
            f"queue='family.{FAMILY}', expires=60)"
        )
        with contextlib.suppress(subprocess.CalledProcessError):
            self.site.manage("shell", "-c", code)

    def replace_the_weights(self, rng: random.Random) -> None:
        """The fragile model's file is cut short, and the processes that have it loaded end."""
        folder = self.site.home / "chaos-checkpoints" / FRAGILE
        with (folder / "weights.safetensors").open("r+b") as file:
            file.truncate(40)
        self.kill_child(rng)

    # The course of it ---------------------------------------------------------------------------

    def run(self) -> Report:
        started = time.monotonic()
        for name in ("chaos-one", "chaos-late", LIBRARY):
            self.start_worker(name)
        keeper = threading.Thread(target=self.keep_workers, daemon=True)
        keeper.start()
        try:
            clients = self._start_clients()
            self._let_faults_follow(clients)
            for client in clients:
                client.join(self.plan.patience_seconds)
            self._drain()
            self._judge()
        finally:
            self.stopping.set()
            keeper.join()
            for process in self.workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.proxy.close()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _start_clients(self) -> list[threading.Thread]:
        rng = random.Random(self.plan.seed)
        kinds = [kind for kind, count in self.plan.misdeeds.items() for _ in range(count)]
        kinds += ["ok"] * (self.plan.num_jobs - len(kinds))
        rng.shuffle(kinds)
        clients = [
            threading.Thread(target=self.run_client, args=(number, kinds[number::NUM_CLIENTS]))
            for number in range(NUM_CLIENTS)
        ]
        for client in clients:
            client.daemon = True
            client.start()
        return clients

    def _let_faults_follow(self, clients: list[threading.Thread]) -> None:
        rng = random.Random(f"faults {self.plan.seed}")
        faults = list(self.plan.faults)
        while faults or any(client.is_alive() for client in clients):
            if not faults:
                if len(self.accepted) >= self.plan.num_jobs * 0.97:
                    return
                faults = [each for each in self.plan.faults if each != "replace_the_weights"]
                rng.shuffle(faults)
            name = faults.pop(0)
            time.sleep(self.plan.seconds_between_faults * (0.5 + rng.random()))
            self.say(f"{len(self.accepted):5} accepted, {name}")
            self.report.faults[name] += 1
            with contextlib.suppress(KeyError):
                # A server that is just being started again cannot be hit once more.
                getattr(self, name)(rng)

    def _drain(self) -> None:
        until = time.monotonic() + self.plan.patience_seconds
        while time.monotonic() < until:
            [(left,)] = self.query("SELECT count(*) FROM jobs_job WHERE finished_at IS NULL")
            if left == 0:
                return
            time.sleep(0.5)
        self.report.broken.append(f"{left} jobs have not ended")

    def _judge(self) -> None:
        report = self.report
        report.accepted = len(self.accepted)
        report.commits_cut = self.proxy.num_cut
        rows = {
            str(generation_id): (state, code, text)
            for generation_id, state, code, text in self.query(
                "SELECT g.id, j.state, j.error_code, r.text FROM generations_generation g"
                " JOIN jobs_job j ON j.id = g.job_id"
                " LEFT JOIN generations_response r ON r.generation_id = g.id"
            )
        }
        for generation_id, wish in self.accepted.items():
            if generation_id not in rows:
                report.broken.append(f"I1 {generation_id} was accepted and is lost")
                continue
            state, code, text = rows[generation_id]
            report.ends[f"{state} {code}".strip() if state != "succeeded" else state] += 1
            fault = _fault_of(wish, state, code, text)
            if fault:
                report.broken.append(f"{generation_id} {wish.prompt!r}: {fault}")
                report.broken += self._history(generation_id)
        unknown = len(rows.keys() - self.accepted.keys())
        if unknown:
            report.broken.append(f"{unknown} generations exist that nobody was promised")
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            report.broken += find_broken(connection, blobs=self.site.home / "blobs")
        [(report.attempts_lost,)] = self.query(
            "SELECT count(*) FROM jobs_jobattempt WHERE outcome IN ('lost', 'timeout')"
        )
        report.rerun_seconds = list(self._rerun_seconds())
        report.cancel_seconds = [
            float(seconds)
            for (seconds,) in self.query(
                "SELECT extract(epoch FROM finished_at - cancel_requested_at) FROM jobs_job"
                " WHERE state = 'canceled' AND started_at < cancel_requested_at"
            )
        ]

    def _rerun_seconds(self) -> Iterator[float]:
        for job_ids, killed_at in self.kills:
            for (started_at,) in self.query(
                "SELECT extract(epoch FROM min(started_at)) FROM jobs_jobattempt"
                " WHERE job_id = ANY(%s::uuid[]) AND started_at > to_timestamp(%s)"
                " AND EXISTS (SELECT 1 FROM jobs_jobattempt l WHERE l.outcome = 'lost'"
                "   AND l.job_id = jobs_jobattempt.job_id AND l.ended_at > to_timestamp(%s))"
                " GROUP BY job_id",
                job_ids,
                killed_at,
                killed_at,
            ):
                yield float(started_at) - killed_at

    def _history(self, generation_id: str) -> list[str]:
        rows = self.query(
            "SELECT e.at, e.status, e.code FROM jobs_jobevent e JOIN generations_generation g"
            " ON g.job_id = e.job_id WHERE g.id = %s ORDER BY e.seq",
            generation_id,
        )
        return [f"    {at:%H:%M:%S.%f} {status} {code}" for at, status, code in rows]


def _fault_of(wish: Accepted, state: str, code: str, text: str | None) -> str:
    """What is wrong with how a request ended, or nothing."""
    if state == "succeeded":
        if text != expected_text(wish.prompt, wish.seed):
            return "the bytes are not those of the request"
        return "a misdeed succeeded" if wish.kind in {*_POISON, "raise", "memory"} else ""
    if state == "canceled":
        return "" if wish.was_canceled else "nobody canceled it"
    expected = {
        "segfault": {"poison"},
        "exit": {"poison"},
        "hang": {"poison"},
        "raise": {"generation_failed"},
        "memory": {"out_of_memory"},
        "deadline": {"deadline"},
        "fragile": {"model_unavailable"},
    }.get(wish.kind, set())
    # A misdeed that lost its workers to faults as well may be given up for that.
    if wish.kind in {"raise", "memory", "deadline"}:
        expected = expected | {"poison"}
    return "" if code in expected else f"an innocent {state}: {code}"
