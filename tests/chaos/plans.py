"""The two plans: one for every run of the tests, and one for an hour of the night."""

from __future__ import annotations

from tests.chaos.harness import Plan


def short_plan(seed: int) -> Plan:
    """Each fault that can be over in seconds, once."""
    return Plan(
        seed=seed,
        num_jobs=220,
        seconds_between_faults=2.0,
        misdeeds={
            "segfault": 1,
            "exit": 1,
            "raise": 3,
            "memory": 2,
            "company": 4,
            "cancel": 4,
            "deadline": 2,
        },
        faults=(
            "kill_child",
            "kill_redis_and_wipe",
            "cut_commits",
            "kill_postgres",
            "fill_the_disk",
            "kill_parent",
        ),
        patience_seconds=120.0,
    )


def long_plan(seed: int, num_jobs: int) -> Plan:
    """Every fault, again and again, until all jobs are accepted."""
    return Plan(
        seed=seed,
        num_jobs=num_jobs,
        seconds_between_faults=4.0,
        misdeeds={
            "segfault": 3,
            "exit": 3,
            "hang": 1,
            "raise": 20,
            "memory": 8,
            "company": 30,
            "cancel": 30,
            "deadline": 10,
            "fragile": 40,
        },
        faults=(
            "kill_child",
            "stop_child_past_its_lease",
            "kill_redis_and_wipe",
            "double_the_messages",
            "cut_commits",
            "kill_postgres",
            "end_parent_in_order",
            "fill_the_disk",
            "kill_child",
            "hang_redis",
            "stop_postgres_at_once",
            "replace_the_weights",
            "kill_parent",
        ),
        patience_seconds=900.0,
    )
