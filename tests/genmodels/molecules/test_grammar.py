"""The rules of SMILES let real molecules pass and keep what is written from breaking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genmodels.molecules.chemistry import is_valid
from genmodels.molecules.grammar import SmilesConstraint
from genmodels.molecules.notation import read_sign, split_smiles
from genmodels.molecules.rules import SmilesRules
from genmodels.text.vocabulary import make_pieces

#: Known drugs and odd cases: fused and bridged rings, charges, stereochemistry, exocyclic bonds.
REAL = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "CC(C)Cc1ccc([C@@H](C)C(=O)O)cc1",
    "C[NH+]1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5",
    "O=c1cc(-c2ccccc2)oc2ccccc12",
    "c1ccc2[nH]ccc2c1",
    "COCCn1nc(/C([O-])=N/S(=O)(=O)Cc2ccc(C#N)cc2)ccc1=O",
    "C#CCn1/c(=N/C(=O)CCOc2ccccc2)sc2cc(F)ccc21",
    "CC(=O)/N=c1\\[nH]c(C)cs1",
    "C[n+]1ccccc1[N+](=O)[O-]",
)
BROKEN = (
    "c1ccc",
    "c1cccc1",
    "C(C)(C)(C)(C)C",
    "CC(C",
    "CC)",
    "C1C1",
    "F=C",
    "Cc",
    "C(=O)=O=C",
    "c1ccc(C)n(C)c1",
)


def passes(smiles: str) -> bool:
    rules = SmilesRules()
    for text in split_smiles(smiles):
        sign = read_sign(text)
        if rules.refuse(sign) is not None:
            return False
        rules.take(sign)
    return rules.may_end


@pytest.mark.parametrize("smiles", REAL)
def test_real_molecules_pass(smiles: str) -> None:
    assert is_valid(smiles)
    assert passes(smiles)


@pytest.mark.parametrize("smiles", BROKEN)
def test_what_rdkit_refuses_is_refused(smiles: str) -> None:
    assert not is_valid(smiles)
    assert not passes(smiles)


@pytest.mark.parametrize("stem", ["", "c1cc", "c1ccn(", "C1=C"])
def test_whatever_ends_within_the_rules_is_a_molecule(stem: str) -> None:
    rules = SmilesRules()
    for text in split_smiles(stem):
        rules.take(read_sign(text))
    ended = list(_endings(rules, stem, depth=4))
    assert len(ended) > 10
    assert [smiles for smiles in ended if not is_valid(smiles)] == []


def _endings(rules: SmilesRules, written: str, *, depth: int) -> Iterator[str]:
    """Every SMILES that the rules let grow by so many signs, where they let it end."""
    if rules.may_end:
        yield written
    if not depth:
        return
    for text in ("C", "c", "n", "O", "=", "(", ")", "1", "[nH]"):
        sign = read_sign(text)
        if rules.refuse(sign) is None:
            grown = rules.copy()
            grown.take(sign)
            yield from _endings(grown, written + text, depth=depth - 1)


def test_prompts_against_the_rules_are_refused_in_words() -> None:
    vocabulary = make_pieces((*REAL, "F"), split_smiles)
    constraint = SmilesConstraint(vocabulary)
    carbon, fluorine, bond = vocabulary.encode("CF=")
    constraint.accept(carbon)
    constraint.accept(fluorine)
    with pytest.raises(ValueError, match="'=' cannot stand here"):
        constraint.accept(bond)
