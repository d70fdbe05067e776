// The keys of the site. `?` shows them all; none fires while somebody writes.
const PAGES = { s: "/", l: "/library", a: "/ask", c: "/chats", d: "/documents", m: "/models", r: "/review", w: "/workers" };
const SECOND_KEY_WITHIN_MS = 1200;

let wentAt = 0;

function isWriting(target) {
  const fields = 'input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable]';
  return target instanceof Element && target.closest(fields);
}

function moveBetweenCards(event) {
  const inside = event.target instanceof Element ? event.target.closest(".card, .pick") : null;
  const grid = inside?.closest(".card-grid");
  if (!grid) return false;
  const card = inside.matches(".pick") ? inside.querySelector(".card") : inside;
  const cards = [...grid.querySelectorAll(".card")];
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step) return false;
  const next = cards[cards.indexOf(card) + step];
  next?.querySelector("a")?.focus();
  return Boolean(next);
}

// What a page marks with `data-key` answers to that key: a field takes the cursor, the rest is pressed.
function pressMarked(key) {
  const marked = document.querySelector(`[data-key="${CSS.escape(key.toLowerCase())}"]`);
  if (!marked) return false;
  if (marked.matches("textarea")) marked.focus();
  else marked.click();
  return true;
}

function answerKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.closest?.("form[data-submit-keys]");
    if (form) {
      event.preventDefault();
      // What was chosen by `#` is asked: then another button is the first one.
      const first = form.querySelector(".is-asking .ask-instead");
      if (first) first.click();
      else form.requestSubmit();
    }
    return;
  }
  const search = document.getElementById("top-search");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && search) {
    event.preventDefault();
    search.select();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  if (moveBetweenCards(event)) {
    event.preventDefault();
  } else if (event.key === "/" && search) {
    event.preventDefault();
    search.select();
  } else if (event.key === "?") {
    document.getElementById("shortcuts")?.showModal();
  } else if (event.key === "g") {
    wentAt = event.timeStamp;
  } else if (PAGES[event.key] && event.timeStamp - wentAt < SECOND_KEY_WITHIN_MS) {
    location.assign(PAGES[event.key]);
  } else if (pressMarked(event.key)) {
    event.preventDefault();
  }
}

export function startShortcuts() {
  document.addEventListener("keydown", answerKey);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-dialog]");
    if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
  });
}
