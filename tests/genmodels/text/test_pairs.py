"""A person's own pairs are read, or what is wrong with them is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genmodels.data.location import UnableToFindData
from genmodels.text.pairs import read_own_pairs
from genmodels.text.prose import read_own_prose


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    rows = [{"source": f"word {n}", "target": f'a "b", {n}'} for n in range(30)]
    table = "source,target\n" + "".join(f'word {n},"a ""b"", {n}"\n' for n in range(30))
    (tmp_path / "mine.csv").write_text("\ufeff" + table, encoding="utf-8")
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = (read_own_pairs(tmp_path / f"mine.{ending}") for ending in ("csv", "jsonl"))
    assert first.tasks == second.tasks
    [task] = first.tasks
    assert (len(task.train), len(task.validation)) == (27, 3)
    assert task.validation[1].target == 'a "b", 10'
    assert task.name == "rewrite"


def test_a_task_column_makes_several_tasks(tmp_path: Path) -> None:
    lines = [f"{'shout' if n % 3 else 'whisper'},word {n},WORD {n}" for n in range(90)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["task,source,target", *lines]))
    tasks = {task.name: task for task in read_own_pairs(path).tasks}
    assert set(tasks) == {"shout", "whisper"}
    assert tasks["shout"].share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "from,to\nx,y\n", "must name source and target, not from, to"),
        ("a.csv", "source,target\nx,\n", "line 2: source and target must not be empty"),
        ("a.csv", "source,target\nx,y\n", "1 pairs of the task 'rewrite'; 20 are the least"),
        ("a.csv", "source,target\n", "holds no pairs"),
        ("a.jsonl", '{"source": "x"', "line 1 is no JSON"),
        ("a.jsonl", "[1]", "line 1 is no object"),
        ("a.txt", "x", r"\.csv or \.jsonl"),
        ("a.csv", None, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UnableToFindData, match=message):
        read_own_pairs(tmp_path / name)


def test_own_prose_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("\n\n".join(f"line  number {n} of all" for n in range(60)))
    prose = read_own_prose(tmp_path / "notes.txt")
    assert (len(prose.train), len(prose.validation)) == (54, 6)
    assert prose.example_prompts[0] == "line number ___ of all"
    (tmp_path / "short.txt").write_text("one line")
    with pytest.raises(UnableToFindData, match="1 lines; 50 are the least"):
        read_own_prose(tmp_path / "short.txt")
