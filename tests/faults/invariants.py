"""What must hold of the store after any fault, as SQL that counts the exceptions.

Each statement returns the rows that break the rule in its name; an intact store returns none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg

BROKEN: dict[str, str] = {
    "I2 every job has ended": (
        "SELECT id FROM jobs_job WHERE state NOT IN ('succeeded', 'failed', 'canceled', 'expired')"
    ),
    "I3 a generation succeeded if and only if it has a response": (
        "SELECT g.id FROM generations_generation g JOIN jobs_job j ON j.id = g.job_id"
        " LEFT JOIN generations_response r ON r.generation_id = g.id"
        " WHERE (j.state = 'succeeded') <> (r.generation_id IS NOT NULL)"
    ),
    "I4 a response carries the fence of an attempt that ended well": (
        "SELECT r.generation_id FROM generations_response r"
        " JOIN generations_generation g ON g.id = r.generation_id"
        " LEFT JOIN jobs_jobattempt a"
        "   ON a.job_id = g.job_id AND a.fence = r.fence AND a.outcome = 'ok'"
        " WHERE a.id IS NULL"
    ),
    "I5 no attempt is open": "SELECT id FROM jobs_jobattempt WHERE ended_at IS NULL",
    "I6 fences grow with the attempts of a job": (
        "SELECT a.id FROM jobs_jobattempt a JOIN jobs_jobattempt b"
        " ON a.job_id = b.job_id AND a.id < b.id AND a.fence >= b.fence"
    ),
    "I7 attempts and crashes stay within their limits": (
        "SELECT id FROM jobs_job WHERE attempt > max_attempts + crashes OR crashes > 3"
    ),
    "I8 a response has its artifact": (
        "SELECT r.generation_id FROM generations_response r"
        " LEFT JOIN generations_artifact a ON a.response_id = r.generation_id WHERE a.id IS NULL"
    ),
    "I10 the history ends with the state, without a gap": (
        "SELECT j.id FROM jobs_job j JOIN LATERAL ("
        "   SELECT count(*) AS events, max(seq) AS last,"
        "     (array_agg(status ORDER BY seq DESC))[1] AS status"
        "   FROM jobs_jobevent e WHERE e.job_id = j.id) h ON true"
        " WHERE h.events <> j.status_seq OR h.last <> j.status_seq OR h.status <>"
        "   CASE WHEN j.state = 'running' AND j.cancel_requested_at IS NOT NULL"
        "   THEN 'canceling' ELSE j.state END"
    ),
}

_FILES = """
SELECT sha256 FROM generations_artifact
UNION SELECT sha256 FROM generations_upload
UNION SELECT kept.value ->> 'sha256' FROM generations_generation, jsonb_each(inputs) AS kept
"""


def find_broken(connection: psycopg.Connection[Any], *, blobs: Path) -> list[str]:
    """The rules that do not hold, each with the rows that break it (I9 is part of I3)."""
    found = []
    for rule, statement in BROKEN.items():
        rows = connection.execute(statement.encode()).fetchall()
        if rows:
            found.append(f"{rule}: {rows}")
    for (sha256,) in connection.execute(_FILES):
        path = blobs / sha256[:2] / sha256[2:4] / sha256
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            found.append(f"I8 the file that a row names is there and whole: {sha256}")
    return found
