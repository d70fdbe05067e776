"""The processes of the site itself: its web server and its workers."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from webapp.embedded.processes import Program

FAMILIES = (
    "rnn",
    "transformer",
    "autoregressive",
    "vae",
    "gan",
    "flow",
    "diffusion",
    "hybrid",
)
CONNECTED_QUEUE = "family.connected"
LIBRARY_QUEUES = ("documents", "indexing", "webhooks", "graph", "answers")
WEB_DATABASE_POOL = 10  # the threads of one web process and two to spare
WEB_PROCESSES = 2  # one interpreter uses one core


def web_program(*, environment: Mapping[str, str], logs: Path, host: str, port: int) -> Program:
    """Return the web server: processes behind one port, none of which imports torch."""
    return Program(
        name="web",
        arguments=(
            *(sys.executable, "-m", "uvicorn", "webapp.config.asgi:application"),
            *("--host", host, "--port", str(port)),
            *("--timeout-keep-alive", "30", "--timeout-graceful-shutdown", "5"),
            *("--no-access-log", "--no-server-header", "--log-level", "info"),
        ),
        environment={
            # Read by uvicorn itself, and so the operator's where it is set.
            "WEB_CONCURRENCY": str(WEB_PROCESSES),
            "PINAKES_DATABASE_POOL": str(WEB_DATABASE_POOL),
            "PINAKES_STATEMENT_TIMEOUT_MS": "5000",
            "PINAKES_LOCK_TIMEOUT_MS": "2000",
            **environment,
            "PINAKES_PROCESS": "web",
        },
        log=logs / "web.log",
        stop_stage=0,
        grace_seconds=10.0,
    )


def worker_programs(*, environment: Mapping[str, str], logs: Path) -> list[Program]:
    """Return a worker per device for all model families, and one for the library."""
    families = tuple(f"family.{name}" for name in FAMILIES)
    programs = [
        _worker_program(
            name=f"worker-{device.replace(':', '')}",
            queues=families,
            device=device,
            environment=environment,
            logs=logs,
        )
        for device in _devices(environment)
    ]
    programs.append(
        _worker_program(
            name="library",
            queues=LIBRARY_QUEUES,
            device="cpu",
            environment=environment,
            logs=logs,
        )
    )
    return programs


def connected_program(*, environment: Mapping[str, str], logs: Path) -> Program:
    """Return the worker for connected models, on the last device.

    They are large: loading one takes minutes, and a pass of it longer than a whole text of a
    family here. They have a process of their own, which need not run where nothing is connected.
    """
    return _worker_program(
        name="connected",
        queues=(CONNECTED_QUEUE,),
        device=_devices(environment)[-1],
        environment=environment,
        logs=logs,
    )


def served_queues() -> frozenset[str]:
    """Return the queues that `worker_programs` serve together."""
    return frozenset({f"family.{name}" for name in FAMILIES} | set(LIBRARY_QUEUES))


def _worker_program(
    *, name: str, queues: tuple[str, ...], device: str, environment: Mapping[str, str], logs: Path
) -> Program:
    return Program(
        name=name,
        arguments=(
            *(sys.executable, "-m", "celery", "-A", "webapp", "worker"),
            *("-Q", ",".join(queues), "-c", "1", "-n", f"{name}@%h"),
            *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        ),
        environment={
            "PINAKES_STATEMENT_TIMEOUT_MS": "30000",
            "PINAKES_LOCK_TIMEOUT_MS": "2000",
            **environment,
            "PINAKES_PROCESS": name,
            "PINAKES_DEVICE": device,
        },
        log=logs / f"{name}.log",
        stop_stage=1,
        # Warm: it claims no more, and a long job is handed back at its next step.
        stop_signal=signal.SIGTERM,
        # Anything gentler waits for a broker that is gone too; the rows tell what was running.
        orphan_signal=signal.SIGKILL,
        grace_seconds=30.0,
    )


def _devices(environment: Mapping[str, str]) -> list[str]:
    """Return the devices that get a worker each, without importing torch to find out."""
    wanted = environment.get("PINAKES_DEVICE") or "auto"
    if wanted != "auto":
        return wanted.split(",")
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        num_devices = len([number for number in visible.split(",") if number.strip()])
    else:
        driver = Path("/proc/driver/nvidia/gpus")
        num_devices = len(list(driver.iterdir())) if driver.is_dir() else 0
    return [f"cuda:{index}" for index in range(num_devices)] or ["auto"]


def child_environment(*, additions: Mapping[str, str]) -> dict[str, str]:
    """Return what every process of the site inherits: our environment and the given additions."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.config.settings", **additions}
