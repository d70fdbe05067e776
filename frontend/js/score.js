// Draws tunes in ABC as scores; loaded only where there is one. Of abcjs only the drawing is taken:
// its player would fetch instruments from elsewhere, and the product makes its own sound files.
import renderAbc from "abcjs/src/api/abc_tunebook_svg.js";

export function drawScore(place, abc) {
  place.hidden = false;
  renderAbc(place, abc, {
    responsive: "resize",
    staffwidth: 640,
    paddingleft: 0,
    paddingright: 0,
    paddingtop: 8,
    paddingbottom: 8,
    wrap: { minSpacing: 1.6, maxSpacing: 2.6, preferredMeasuresPerLine: 4 },
  });
}
