// Citations: hovering or focusing a chip marks its passage below, and on a wide page the
// source opens beside the answer instead of replacing it.
import htmx from "htmx.org";

const WIDE = "(min-width: 64rem)";

function markCurrent(number) {
  for (const element of document.querySelectorAll("[data-cite]")) {
    element.classList.toggle("is-current", element.dataset.cite === number);
  }
}

async function openBeside(link, pane) {
  markCurrent(link.dataset.cite);
  pane.hidden = false;
  await htmx.ajax("GET", link.href, { target: pane, select: link.dataset.beside, swap: "innerHTML" });
  const marked = pane.querySelector("mark") ?? pane.querySelector(".is-current");
  marked?.scrollIntoView({ block: "center" });
}

export function startAsking() {
  const show = (event) => {
    const chip = event.target.closest?.("a[data-cite]");
    if (chip) markCurrent(chip.dataset.cite);
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-beside]");
    const pane = document.getElementById("beside");
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!link || !pane || !plain || !matchMedia(WIDE).matches) return;
    event.preventDefault();
    openBeside(link, pane);
  });
}
