"""What a user can set, run or choose is written down."""

import re
from pathlib import Path

import pytest

from genmodels.registry import FAMILY_MODULES

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = (ROOT / "webapp/config/settings.py").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(PINAKES_[A-Z_]+)"', SETTINGS))))
def test_every_variable_is_in_the_operations_page(name):
    assert f"`{name}`" in OPERATIONS


@pytest.mark.parametrize("family", FAMILY_MODULES)
def test_every_family_has_a_page(family):
    assert (ROOT / "docs/families" / f"{family}.md").is_file()


@pytest.mark.parametrize(
    "folder",
    sorted(f"{path.parent.relative_to(ROOT)}/" for path in ROOT.glob("webapp/*/__init__.py")),
)
def test_every_app_is_in_the_file_map(folder):
    assert f"`{folder}`" in README


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_links_of_the_documentation_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_no_page_names_a_path_of_one_machine():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        assert not re.search(r"(?<![\w.])/(?:home|root|Users|work)/", page.read_text()), page
