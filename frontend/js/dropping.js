// Files dropped on a zone are handed to its own file input. A form of its own is sent at once, like
// with chosen files; where `data-drop="choose"`, the field says itself that it has changed.
function zoneOf(event) {
  return event.target instanceof Element ? event.target.closest("[data-drop]") : null;
}

export function startDropping() {
  // On the document, because fields come and go with the model that is chosen.
  document.addEventListener("dragover", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event);
    if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("is-over");
    if (event.dataTransfer.files.length === 0) return;
    const input = zone.querySelector("input[type=file]");
    input.files = event.dataTransfer.files;
    if (zone.dataset.drop === "choose") {
      input.dispatchEvent(new Event("change", { bubbles: true }));
    } else {
      zone.closest("form").requestSubmit();
    }
  });
  document.addEventListener("submit", (event) => {
    const note = event.target.querySelector("[data-sending]");
    if (note) note.hidden = false;
  });
}
