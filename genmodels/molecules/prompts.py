"""Prompts for molecules: the beginning of a SMILES, the name of a fragment, or anything."""

from __future__ import annotations

from genmodels.molecules.notation import split_smiles
from genmodels.text.vocabulary import Vocabulary

#: Fragments that chemists name, written so that more can follow.
FRAGMENTS = {
    "benzene": "c1ccccc1",
    "toluene": "Cc1ccccc1",
    "phenol": "Oc1ccccc1",
    "aniline": "Nc1ccccc1",
    "pyridine": "c1ccncc1",
    "pyrimidine": "c1cncnc1",
    "pyrrole": "c1cc[nH]c1",
    "imidazole": "c1c[nH]cn1",
    "pyrazole": "c1cc[nH]n1",
    "thiazole": "c1cscn1",
    "oxazole": "c1cocn1",
    "furan": "c1ccoc1",
    "thiophene": "c1ccsc1",
    "indole": "c1ccc2[nH]ccc2c1",
    "benzimidazole": "c1ccc2[nH]cnc2c1",
    "quinoline": "c1ccc2ncccc2c1",
    "naphthalene": "c1ccc2ccccc2c1",
    "cyclohexane": "C1CCCCC1",
    "cyclopropane": "C1CC1",
    "piperidine": "C1CCNCC1",
    "piperazine": "C1CNCCN1",
    "morpholine": "C1COCCN1",
    "pyrrolidine": "C1CCNC1",
    "tetrahydrofuran": "C1CCOC1",
    "benzoic acid": "OC(=O)c1ccccc1",
    "acetamide": "CC(N)=O",
    "benzamide": "NC(=O)c1ccccc1",
    "sulfonamide": "NS(=O)(=O)",
}

#: Ask for a molecule from the first atom on.
ANYTHING = frozenset({"any", "anything", "any molecule", "a molecule", "molecule", "*"})


def read_prompt(prompt: str, vocabulary: Vocabulary) -> str:
    """The beginning of a SMILES; ValueError with a sentence for what is none.

    1. A word for anything gives the empty beginning. 2. The name of a fragment gives the
    fragment. 3. Else it must be signs of SMILES that the vocabulary has.
    """
    asked = " ".join(prompt.split())
    if asked.lower() in ANYTHING:
        return ""
    if asked.lower() in FRAGMENTS:
        return FRAGMENTS[asked.lower()]
    try:
        split_smiles(asked)
    except ValueError as error:
        raise ValueError(
            f"{error}; begin a SMILES, such as CC(=O)N, name a fragment, such as indole, or say "
            '"anything"'
        ) from error
    try:
        vocabulary.encode(asked)
    except KeyError as error:
        raise ValueError("these atoms occur in nothing that was learned") from error
    return asked
