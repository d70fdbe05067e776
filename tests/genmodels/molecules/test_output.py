"""Molecules are drawn and measured; own lists of them can be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from genmodels.contract import GenerationRequest
from genmodels.data.location import UnableToFindData
from genmodels.data.zinc import SCAFFOLD_TEST, TRAIN, VALIDATION, read_parts
from genmodels.molecules.corpus import open_own_corpus
from genmodels.molecules.measures import measure_invented, wasserstein
from genmodels.molecules.notation import split_smiles
from genmodels.molecules.output import deliver_molecule
from genmodels.molecules.prompts import FRAGMENTS, read_prompt
from genmodels.molecules.splitting import choose_part
from genmodels.text.outputs import Writing
from genmodels.text.vocabulary import make_pieces
from tests.genmodels.molecules.test_grammar import BROKEN, REAL, passes


def writing(text: str, *, ended: bool = True) -> Writing:
    request = GenerationRequest(prompt="anything", parameters={}, seed=1)
    return Writing(request=request, prompt="", text=text, tokens=(), ended=ended)


def test_a_molecule_is_drawn_with_its_figures_and_canonical_smiles() -> None:
    sample = deliver_molecule(writing("O=C(O)c1ccccc1OC(C)=O"))
    assert sample.media_type == "image/svg+xml"
    assert etree.fromstring(sample.content).tag.endswith("svg")
    assert sample.text == "CC(=O)Oc1ccccc1C(=O)O"
    assert sample.metrics["valid"] == 1.0
    assert sample.metrics["weight"] == pytest.approx(180.2, abs=0.1)  # aspirin
    assert 0.5 < sample.metrics["qed"] < 0.6
    assert deliver_molecule(writing("O=C(O)c1ccccc1OC(C)=O")).content == sample.content


@pytest.mark.parametrize(("text", "ended"), [(BROKEN[1], True), (BROKEN[0], False), ("", True)])
def test_what_is_no_molecule_says_why(text: str, ended: bool) -> None:
    sample = deliver_molecule(writing(text, ended=ended))
    assert sample.metrics == {"valid": 0.0}
    assert sample.extra["note"].startswith("This is no molecule")
    assert ("cut off" in sample.extra["note"]) is not ended
    assert b"Not a molecule" in etree.tostring(etree.fromstring(sample.content))


def test_prompts_are_smiles_names_or_anything() -> None:
    vocabulary = make_pieces((*REAL, *FRAGMENTS.values()), split_smiles)
    assert read_prompt(" Anything ", vocabulary) == ""
    assert read_prompt("Indole", vocabulary) == "c1ccc2[nH]ccc2c1"
    assert read_prompt("CC(=O)", vocabulary) == "CC(=O)"
    assert all(passes(fragment) for fragment in FRAGMENTS.values())
    with pytest.raises(ValueError, match="indole"):
        read_prompt("aspirin", vocabulary)
    with pytest.raises(ValueError, match="nothing that was learned"):
        read_prompt("CC[Si]", vocabulary)


def test_figures_tell_copies_from_inventions() -> None:
    train, invented = list(REAL[:4]), [REAL[0], REAL[0], *REAL[4:7], *BROKEN[:5]]
    figures = {
        each.name: each.value
        for each in measure_invented(invented, train=train, reference=list(REAL[4:7]))
    }
    assert figures["valid"] == 0.5
    assert figures["novel"] == 0.75
    assert figures["nearest_similarity"] > 0.75  # three of the four are the reference
    assert 0 < figures["internal_diversity"] < 1
    assert figures["wasserstein_weight"] > 0


def test_the_wasserstein_distance_is_how_far_mass_moves() -> None:
    one = np.array([0.0, 1.0, 3.0])
    assert wasserstein(one, one + 2) == pytest.approx(2)
    assert wasserstein(one, one[::-1]) == 0
    assert wasserstein(np.array([0.0]), np.array([0.0, 4.0])) == pytest.approx(2)


def test_the_parts_of_zinc_are_those_that_scaffolds_and_hashes_choose() -> None:
    parts = read_parts()
    counts = np.bincount(parts).tolist()
    assert counts == [234_428, 4_756, 10_271]
    # The first five lines of the file, which its readers know.
    lines = (
        "CC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1",
        "C[C@@H]1CC(Nc2cncc(-c3nncn3C)c2)C[C@@H](C)C1",
        "N#Cc1ccc(-c2ccc(O[C@@H](C(=O)N3CCCC3)c3ccccc3)cc2)cc1",
        "CCOC(=O)[C@@H]1CCCN(C(=O)c2nc(-c3ccc(C)cc3)n3c2CCCCC3)C1",
        "N#CC1=C(SCC(=O)Nc2cccc(Cl)c2)N=C([O-])[C@H](C#N)C12CCCCC2",
    )
    assert [choose_part(line) for line in lines] == parts[:5].tolist()
    # Mirror images and other spellings stay together.
    assert choose_part("C[C@H](F)Cl") == choose_part("Cl[C@H](F)C") == choose_part("FC(C)Cl")
    assert {TRAIN, VALIDATION, SCAFFOLD_TEST} == set(parts.tolist())


@pytest.mark.parametrize("name", ["mine.smi", "mine.csv"])
def test_a_list_of_own_molecules_is_a_corpus_without_twins(tmp_path: Path, name: str) -> None:
    chains = ["C" * carbons + head for carbons in range(1, 41) for head in ("O", "N", "F")]
    lines = [*chains, "OC", "nonsense", "[Fe]C"]
    path = tmp_path / name
    header = "id,SMILES\n" if name.endswith("csv") else ""
    rows = (f"{n},{line}" if header else f"{line} name-{n}" for n, line in enumerate(lines))
    path.write_text(header + "\n".join(rows) + "\n")
    corpus = open_own_corpus(path)
    assert len(corpus.train) + len(corpus.validation) == 120
    assert corpus.validation
    path.write_text(header + "\n".join("1,CO" if header else "CO" for _ in range(300)))
    with pytest.raises(UnableToFindData, match="1 molecules"):
        open_own_corpus(path)


def test_a_csv_without_a_column_of_smiles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("source,target\na,b\n")
    with pytest.raises(UnableToFindData, match="no column named smiles"):
        open_own_corpus(path)
