// Finds tunes that are shown and has them drawn; without it there are their letters and the sound.
export async function showScores(root) {
  for (const place of root.querySelectorAll("[data-score]")) {
    const source = document.getElementById(place.dataset.scoreOf);
    if (!source || place.childElementCount) continue;
    const { drawScore } = await import(place.dataset.score);
    drawScore(place, source.textContent);
  }
}
