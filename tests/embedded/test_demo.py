"""The demonstration shows the whole round and its exit status tells the truth."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from webapp.embedded.demonstration import Answered, Demonstration, Found, Made
from webapp.embedded.instance import OWN_VARIABLES
from webapp.embedded.programs import child_environment


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_model_is_prompted_one_result_is_found_and_an_answer_is_cited(
    tmp_path: Path,
) -> None:
    environment = child_environment(additions={})
    for name in (*OWN_VARIABLES, "PINAKES_HOME"):
        environment.pop(name, None)
    finished = subprocess.run(
        (sys.executable, "-m", "django", "demo", "--json", "--output", str(tmp_path)),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    shown = json.loads(finished.stdout)
    assert shown["went_well"]
    cards = (Path(__file__).parents[2] / "genmodels/checkpoints").glob("*/card.json")
    assert {made["model"] for made in shown["models"]} == {card.parent.name for card in cards}
    for made in shown["models"]:
        assert made["status"] == "succeeded"
        assert made["seconds"] > 0
        assert Path(made["path"]).stat().st_size > 0
    pictures = list(tmp_path.glob("*.png"))
    assert pictures
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert shown["search"]["rank"] == 1
    assert "bronze" in shown["answer"]["answer"]
    assert shown["answer"]["citations"][0]["title"] == "The lighthouse of Pharos"


GOOD = Demonstration(
    models=[
        Made(
            model="gpt",
            family="transformer",
            prompt="To be",
            status="succeeded",
            seconds=1.0,
            path="gpt.txt",
            reason="",
            generation="1",
        )
    ],
    search=Found(query="being", wanted="To be", rank=1, num_hits=1, seconds=0.1),
    answer=Answered(document="d", question="q", answer="a [1]", citations=[{"number": 1}]),
    faults=[],
)


def test_a_fault_means_that_it_did_not_go_well() -> None:
    assert GOOD.went_well
    assert GOOD.to_dict()["went_well"] is True
    bad = replace(GOOD, faults=["gpt: the model cannot be loaded"])
    assert not bad.went_well
    assert bad.to_dict()["faults"] == ["gpt: the model cannot be loaded"]
