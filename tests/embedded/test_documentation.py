"""What an operator may set, and what make offers, is written down."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_environment_variable_is_documented() -> None:
    settings = (ROOT / "webapp/config/settings.py").read_text()
    names = set(re.findall(r'env_(?:str|int|bool)\(\s*"([A-Z_]+)"', settings))
    documented = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/operations.md").read_text()))
    assert len(names) > 10
    assert names <= documented, f"not in docs/operations.md: {sorted(names - documented)}"


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for page in folder.glob("0*.md"):
        assert f"({page.name})" in index


def test_every_target_of_make_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), target
