"""Each device gets a worker, each queue is served, and only the web server has a pool."""

from pathlib import Path

import pytest

from webapp.embedded.programs import (
    CONNECTED_QUEUE,
    connected_program,
    served_queues,
    web_program,
    worker_programs,
)


def workers(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return the device of each worker by its name."""
    programs = [
        *worker_programs(environment=environment, logs=tmp_path),
        connected_program(environment=environment, logs=tmp_path),
    ]
    return {program.name: program.environment["PINAKES_DEVICE"] for program in programs}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"CUDA_VISIBLE_DEVICES": "0,1"},
            {
                "worker-cuda0": "cuda:0",
                "worker-cuda1": "cuda:1",
                "connected": "cuda:1",
                "library": "cpu",
            },
        ),
        (
            {"CUDA_VISIBLE_DEVICES": ""},
            {"worker-auto": "auto", "connected": "auto", "library": "cpu"},
        ),
        ({"PINAKES_DEVICE": "mps"}, {"worker-mps": "mps", "connected": "mps", "library": "cpu"}),
        (
            {"PINAKES_DEVICE": "cpu,cuda:1"},
            {
                "worker-cpu": "cpu",
                "worker-cuda1": "cuda:1",
                "connected": "cuda:1",
                "library": "cpu",
            },
        ),
    ],
)
def test_each_device_gets_a_worker(
    tmp_path: Path, environment: dict[str, str], expected: dict[str, str]
) -> None:
    assert workers(tmp_path, environment) == expected


def test_every_queue_of_the_site_is_served(tmp_path: Path) -> None:
    from genmodels.contract import FAMILIES
    from webapp import queueing

    wanted = {queueing.family_queue(family) for family in FAMILIES}
    wanted |= {queueing.DOCUMENTS_QUEUE, queueing.INDEXING_QUEUE, queueing.WEBHOOKS_QUEUE}
    wanted |= {queueing.GRAPH_QUEUE}
    wanted |= {queueing.ANSWERS_QUEUE}
    assert served_queues() | {CONNECTED_QUEUE} == wanted
    environment = {"PINAKES_DEVICE": "cpu"}
    programs = [
        *worker_programs(environment=environment, logs=tmp_path),
        connected_program(environment=environment, logs=tmp_path),
    ]
    listened = {
        queue
        for program in programs
        for queue in program.arguments[program.arguments.index("-Q") + 1].split(",")
    }
    assert listened == wanted


def test_what_a_person_set_wins_over_what_up_would_set(tmp_path: Path) -> None:
    program = web_program(
        environment={"PINAKES_STATEMENT_TIMEOUT_MS": "9000"},
        logs=tmp_path,
        host="127.0.0.1",
        port=8000,
    )
    assert program.environment["PINAKES_STATEMENT_TIMEOUT_MS"] == "9000"
    assert program.environment["PINAKES_LOCK_TIMEOUT_MS"] == "2000"


def test_web_stops_before_workers_and_workers_before_databases(tmp_path: Path) -> None:
    web = web_program(environment={}, logs=tmp_path, host="127.0.0.1", port=8000)
    stages = [
        program.stop_stage
        for program in worker_programs(environment={"PINAKES_DEVICE": "cpu"}, logs=tmp_path)
    ]
    assert web.stop_stage < min(stages)
    assert max(stages) < 2
