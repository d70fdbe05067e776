// Buttons that put the text of another element on the clipboard.
import { announce } from "./announcer.js";

const SHOWN_FOR_MS = 1600;

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = "Copied";
  } catch {
    // Without a secure context there is no clipboard: select the text for the reader's own keys.
    getSelection().selectAllChildren(source);
    label.textContent = "Selected, press Ctrl+C";
  }
  announce(label.textContent);
  setTimeout(() => {
    label.textContent = before;
  }, SHOWN_FOR_MS);
}

export function startCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
}
