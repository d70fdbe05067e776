// A link that names a sheet opens the part of its page there, instead of leaving what is being
// written. With a modifier key, and without this, it is a link like any other.
import htmx from "htmx.org";

export function startSheets() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-sheet]");
    const sheet = link && document.getElementById(link.dataset.sheet);
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!sheet || !plain) return;
    event.preventDefault();
    const body = sheet.querySelector("[data-sheet-body]");
    await htmx.ajax("GET", link.href, { target: body, select: link.dataset.part, swap: "innerHTML" });
    if (!sheet.open) sheet.showModal();
    sheet.scrollTop = 0;
  });
}
