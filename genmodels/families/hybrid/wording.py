"""What the cards of this family say alike."""

from __future__ import annotations

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures have the same bits in passes "
    "of every size; elsewhere each run has its own pass. So the bytes never depend on the runs "
    "beside it. They repeat on the same kind of processor and torch version; elsewhere the last "
    "bit of a pixel may differ."
)

PROMPT_HELP = (
    "One to three shapes with their colours, in your own words: circle, square, triangle, star, "
    "heart or ring; red, green, blue, yellow, orange, purple, pink or turquoise; their size, "
    "place or order, and a white, grey, black or brown ground."
)

EXAMPLES = (
    "a big red heart on a black background",
    "a small yellow star above a large blue square",
    "from left to right: a green circle, a pink ring and an orange triangle",
    "a tiny turquoise star in the upper left corner on a grey background",
    "a crimson ring to the left of an emerald heart against brown",
)
