"""Scores of rankings are those of trec_eval, worked out by hand."""

import json
import math
from pathlib import Path

import pytest

from bench.beir import fuse_by_rank, ndcg, read_collection, recall

_GRADES = {"best": 3, "good": 2, "fair": 1}


def test_the_ideal_order_scores_one_and_nothing_found_scores_zero() -> None:
    assert ndcg(["best", "good", "fair"], _GRADES) == pytest.approx(1)
    assert ndcg(["other", "another"], _GRADES) == 0
    assert ndcg([], _GRADES) == 0


def test_gains_are_grades_discounted_by_the_logarithm_of_the_place() -> None:
    gained = 2 / math.log2(2) + 3 / math.log2(4)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)

    assert ndcg(["good", "other", "best"], _GRADES) == pytest.approx(gained / ideal)


def test_what_stands_after_the_depth_counts_for_nothing_and_the_ideal_is_cut_there_too() -> None:
    assert ndcg(["other", "best"], _GRADES, depth=1) == 0
    assert ndcg(["best", "other"], _GRADES, depth=1) == 1


def test_recall_is_the_share_of_the_relevant_within_the_depth() -> None:
    ranking = ["good", "other", "best", "fair"]

    assert recall(ranking, _GRADES) == 1
    assert recall(ranking, _GRADES, depth=3) == pytest.approx(2 / 3)


def test_fusion_by_rank_prefers_what_both_have() -> None:
    assert fuse_by_rank([["a", "b"], ["c", "b"]])[0] == "b"


def test_a_folder_is_read_with_the_questions_that_can_be_met(tmp_path: Path) -> None:
    documents = [{"_id": "d1", "title": "T", "text": "one"}, {"_id": "d2", "text": "two"}]
    questions = [{"_id": name, "text": f"{name}?"} for name in ("q1", "q2", "q3")]
    for name, rows in (("corpus", documents), ("queries", questions)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    # Grade 0 says that a document is not relevant, and d9 is not in the folder.
    (tmp_path / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td9\t1\n"
    )

    collection = read_collection(tmp_path)

    assert dict(collection.questions) == {"q1": "q1?"}
    assert dict(collection.grades) == {"q1": {"d1": 2}}
    assert collection.documents["d2"].title == ""
