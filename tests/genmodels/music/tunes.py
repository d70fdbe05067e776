"""A few tunes of our own, small enough to read and odd enough to test with."""

from __future__ import annotations

#: In G, with an upbeat, a repeat with two endings, a triplet, a tie and accidentals.
JIG = """X:1
T:The Test Jig (version 2)
M:6/8
L:1/8
K:G
D|"G"G2B d2B|"C"c2e "D7"d^cd|"G"BAG (3ABc d|1 "G"G3- G2:|2 "G"G3- G3||
"""

#: The same metre and key with unit a quarter, chords of notes, grace notes and a slur.
ODD = """X:2
T:Odd
M:4/4
L:1/4
K:Em
"Em/g"[EGB]2 {c}(B/2A/2) z|"x"=F^F F _B|e4|]
"""
