// One polite live region for the whole page, so that several results do not talk at once.
export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = sentence;
}
