"""The rules of SMILES, sign by sign, with a light sense of chemistry.

Brackets and rings close, atoms have no more bonds than they can, and the atoms of aromatic rings
can be paired by double bonds. Something that is open always keeps a bond by which to go on. What
is left to a toolkit: whether such a molecule could exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from genmodels.molecules.notation import SmilesSign

_IN_CHAIN = frozenset({"atom", "ring", "close"})


@dataclass(frozen=True)
class _Atom:
    """`bonds` counts orders, those of rings that are still open included.

    `ring_bonds` are the neighbours to which it is bound as aromatic atoms are among themselves.
    """

    sign: SmilesSign
    bonds: int = 0
    has_double: bool = False
    num_open_rings: int = 0
    neighbours: tuple[int, ...] = ()
    ring_bonds: tuple[int, ...] = ()

    def takes(self, order: int, *, shared: bool = False) -> bool:
        """Whether one more bond fits; `shared` is one between aromatic atoms.

        An aromatic atom keeps what it needs for the two shared bonds of its ring.
        """
        sign = self.sign
        if not sign.aromatic:
            return self.bonds + order <= sign.most_bonds
        # A carbon of a ring may hold something by a double bond, and then has four bonds.
        doubles = self.has_double or order == 2
        if order > 2 or (order == 2 and (sign.text != "c" or self.has_double)):
            return False
        most = 4 if doubles else sign.most_bonds
        missing = max(0, 2 - len(self.ring_bonds) - self.num_open_rings)
        return self.bonds + order + max(0, missing - shared) <= most

    @property
    def shares(self) -> bool:
        """Whether it takes part in the double bonds of its ring, as it is now."""
        match self.sign.shares:
            case "always":
                return not self.has_double
            case "alone":
                return self.bonds < self.sign.most_bonds
            case _:
                return False

    def bound(self, order: int, neighbour: int, *, shared: bool) -> _Atom:
        """With one more bond; an order of 0 was not written and is one."""
        return replace(
            self,
            bonds=self.bonds + (order or 1),
            has_double=self.has_double or order == 2,
            neighbours=(*self.neighbours, neighbour),
            ring_bonds=(*self.ring_bonds, neighbour) if shared else self.ring_bonds,
        )

    def with_ring(self, order: int) -> _Atom:
        """With a bond kept for a ring that begins here."""
        return replace(
            self,
            bonds=self.bonds + (order or 1),
            has_double=self.has_double or order == 2,
            num_open_rings=self.num_open_rings + 1,
        )

    def without_ring(self, order: int) -> _Atom:
        """With that bond free again."""
        return replace(
            self,
            bonds=self.bonds - (order or 1),
            has_double=self.has_double and order != 2,
            num_open_rings=self.num_open_rings - 1,
        )


@dataclass
class SmilesRules:
    """How far a SMILES is: its atoms, where the next one goes, and what is open.

    `branches` are the atoms that brackets go back to, `rings` those that begin rings, with the
    order that was written; `order` is that of a bond that waits for its atom. An order of 0 was
    not written: single, or shared between aromatic atoms.
    """

    atoms: list[_Atom] = field(default_factory=list)
    branches: tuple[int, ...] = ()
    rings: dict[str, tuple[int, int]] = field(default_factory=dict)
    here: int = -1
    last: str = ""
    order: int = 0
    _may_leave: dict[tuple[bool, int], bool] = field(default_factory=dict)

    @property
    def may_end(self) -> bool:
        """Whether the molecule is complete."""
        complete = self.last in _IN_CHAIN and not self.branches and not self.rings
        return complete and self.is_sound(self.here, done=frozenset({self.here}))

    def refuse(self, sign: SmilesSign) -> str | None:
        """Why a sign may not come next, or None where it may."""
        match sign.kind:
            case "atom":
                return self._refuse_atom(sign)
            case "bond":
                return self._refuse_bond(sign.order)
            case "open":
                fits = self.last in _IN_CHAIN and self.atoms[self.here].takes(1, shared=True)
                return None if fits else "there is no room for a branch"
            case "close":
                fits = bool(self.branches) and self.last in _IN_CHAIN
                goes_on = not self.rings or self.goes_on(self.branches)
                fits = fits and goes_on
                fits = fits and (
                    self.here in self.branches
                    or self.is_sound(self.here, done=frozenset({self.here}))
                )
                return None if fits else "no branch can end here"
            case "ring":
                return self._refuse_ring(sign.text)

    def take(self, sign: SmilesSign) -> None:
        """Go on with a sign that is not refused."""
        match sign.kind:
            case "atom":
                self.atoms.append(_Atom(sign))
                new = len(self.atoms) - 1
                if self.here >= 0:
                    self._join(self.here, new, self.order)
                self.here, self.order = new, 0
            case "bond":
                self.order = sign.order
            case "open":
                self.branches = (*self.branches, self.here)
            case "close":
                self.here, self.branches = self.branches[-1], self.branches[:-1]
            case "ring":
                self._take_ring(sign.text)
        self.last = sign.kind
        self._may_leave.clear()

    def _refuse_atom(self, sign: SmilesSign) -> str | None:
        if self.here < 0:
            return None
        here, new = self.atoms[self.here], _Atom(sign)
        shared = self.order == 0 and here.sign.aromatic and sign.aromatic
        order = self.order or 1
        if not new.takes(order, shared=shared):
            return "it cannot have such a bond"
        if not here.takes(order, shared=shared):
            return "the atom before it has no bond left"
        if self.rings:
            # A place to go on from: this atom, or one that a bracket goes back to.
            after = new.bound(order, self.here, shared=shared)
            left = here.bound(order, -1, shared=shared)
            others = (self.atoms[each] for each in self.branches if each != self.here)
            places = (after, *((left,) if self.here in self.branches else ()), *others)
            if not any(each.takes(1, shared=True) for each in places):
                return "a ring could not be closed any more"
        fits = self._leaves_well(shared=shared, order=self.order)
        return None if fits else "an aromatic ring would be left incomplete"

    def _refuse_bond(self, order: int) -> str | None:
        here = self.atoms[self.here] if self.here >= 0 else None
        if here is None or self.last not in _IN_CHAIN | {"open"}:
            return "a bond follows an atom"
        # A bond without an order may come to be of either sort.
        fits = here.takes(order or 1) and self._leaves_well(shared=False, order=order)
        if not order and not fits and here.sign.aromatic:
            fits = here.takes(1, shared=True) and self._leaves_well(shared=True, order=0)
        return None if fits else "there is no room for such a bond"

    def _leaves_well(self, *, shared: bool, order: int) -> bool:
        """Whether the chain may go on from here by such a bond."""
        here = self.atoms[self.here]
        if not here.sign.aromatic or self.here in self.branches or here.num_open_rings:
            return True
        if (shared, order) not in self._may_leave:
            trial = self.copy()
            trial.order = order
            trial.take(SmilesSign("atom", "c", aromatic=shared, most_bonds=3, shares="always"))
            self._may_leave[shared, order] = trial.is_sound(self.here, done=frozenset({self.here}))
        return self._may_leave[shared, order]

    def _refuse_ring(self, name: str) -> str | None:
        if self.last not in {"atom", "ring", "bond"}:
            return "a ring begins or ends at an atom"
        here = self.atoms[self.here]
        if name not in self.rings:
            if not here.takes(self.order or 1, shared=not self.order):
                return "there is no bond left for a ring"
            fits = here.with_ring(self.order).takes(1, shared=True) or self.goes_on(
                each for each in self.branches if each != self.here
            )
            return None if fits else "the ring could not be closed any more"
        start, order = self.rings[name]
        if start == self.here or start in here.neighbours:
            return "a ring has at least three atoms"
        if order and self.order and order != self.order:
            return "both ends of a ring name the same bond"
        final = self.order or order
        begun = self.atoms[start].without_ring(order)
        shared = final == 0 and here.sign.aromatic and begun.sign.aromatic
        if not here.takes(final or 1, shared=shared):
            return "there is no bond left for a ring"
        if not begun.takes(final or 1, shared=shared):
            return "there is no bond left where the ring begins"
        trial = self.copy()
        trial.take(SmilesSign("ring", name))
        if trial.rings and not trial.goes_on((trial.here, *trial.branches)):
            return "another ring could not be closed any more"
        path = {trial.here, *trial.branches}
        done = frozenset({start} - path if not trial.atoms[start].num_open_rings else set())
        fits = trial.is_sound(start, done=done)
        return None if fits else "an aromatic ring would be left incomplete"

    def _take_ring(self, name: str) -> None:
        if name in self.rings:
            start, order = self.rings.pop(name)
            self.atoms[start] = self.atoms[start].without_ring(order)
            self._join(start, self.here, self.order or order)
        else:
            self.atoms[self.here] = self.atoms[self.here].with_ring(self.order)
            self.rings[name] = (self.here, self.order)
        self.order = 0

    def _join(self, one: int, other: int, order: int) -> None:
        ends = self.atoms[one].sign.aromatic, self.atoms[other].sign.aromatic
        shared = order == 0 and all(ends)
        self.atoms[one] = self.atoms[one].bound(order, other, shared=shared)
        self.atoms[other] = self.atoms[other].bound(order, one, shared=shared)

    def goes_on(self, places: Iterable[int]) -> bool:
        """Whether a chain can go on from one of these."""
        return any(self.atoms[each].takes(1, shared=True) for each in places)

    def copy(self) -> SmilesRules:
        """The same, to try a sign on."""
        return SmilesRules(
            list(self.atoms), self.branches, dict(self.rings), self.here, self.last, self.order
        )

    def is_sound(self, place: int, *, done: frozenset[int]) -> bool:
        """Whether the aromatic rings around an atom can be completed.

        Its atoms that nothing can be added to, `done` among them, have both their shared bonds
        and can be paired; the others may still come to take part, or not.
        """
        if not self.atoms[place].sign.aromatic:
            return True
        path = {self.here, *self.branches} - done
        around = self._ring_system(place)
        settled = {each for each in around if not self._may_change(each, path)}
        if any(len(self.atoms[each].ring_bonds) < 2 for each in settled):
            return False
        free = {each for each in around if self.atoms[each].shares}
        return _can_pair(self.atoms, settled & free, free)

    def _may_change(self, place: int, path: set[int]) -> bool:
        """Whether an aromatic atom can still get a bond."""
        atom = self.atoms[place]
        more = place in path and (atom.takes(1, shared=True) or atom.takes(2))
        return more or atom.num_open_rings > 0

    def _ring_system(self, place: int) -> set[int]:
        """The aromatic atoms that shared bonds lead to from one of them."""
        found, ahead = {place}, [place]
        while ahead:
            for each in self.atoms[ahead.pop()].ring_bonds:
                if each not in found:
                    found.add(each)
                    ahead.append(each)
        return found


def _can_pair(atoms: list[_Atom], must: set[int], free: set[int]) -> bool:
    """Whether each atom of `must` can share a double bond with a neighbour of its own in `free`.

    Takes the one with the fewest partners first, so that rings hardly ever make it turn back.
    """
    if not must:
        return True
    hardest, partners = -1, None
    for place in sorted(must):
        options = [each for each in atoms[place].ring_bonds if each in free]
        if partners is None or len(options) < len(partners):
            hardest, partners = place, options
        if len(options) <= 1:
            break
    assert partners is not None
    return any(
        _can_pair(atoms, must - {hardest, each}, free - {hardest, each}) for each in partners
    )
