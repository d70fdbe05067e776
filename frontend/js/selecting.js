// Selecting in the Library: ranges with Shift, keys, and a count. The boxes and the bar are a plain
// form, which works without this.
import { announce } from "./announcer.js";

const SCROLL = "pinakes.library.scroll";

let last = null;

const boxes = () => [...document.querySelectorAll("[data-pick]")];
const bar = () => document.getElementById("bulk");

function tick(box, checked) {
  box.checked = checked;
  last = box;
}

function tickFrom(first, box, checked) {
  const all = boxes();
  const [start, end] = [all.indexOf(first), all.indexOf(box)].sort((a, b) => a - b);
  if (start >= 0) for (const each of all.slice(start, end + 1)) each.checked = checked;
  last = box;
}

function count() {
  const form = bar();
  if (!form) return;
  const all = form.querySelector("[data-bulk-all]");
  const number = boxes().filter((box) => box.checked).length;
  const words = all?.checked ? all.dataset.bulkWords : `${number} selected`;
  const place = form.querySelector("[data-bulk-count]");
  if (place.textContent !== words) place.textContent = words;
  for (const button of form.querySelectorAll("[data-bulk-two]")) {
    button.disabled = all?.checked || number !== 2;
  }
}

function tickNone() {
  for (const box of boxes()) box.checked = false;
  const all = bar()?.querySelector("[data-bulk-all]");
  if (all) all.checked = false;
  last = null;
  count();
}

function closeMenus(except) {
  let closed = false;
  for (const menu of document.querySelectorAll(".bulk-menu[open]")) {
    if (menu.contains(except)) continue;
    menu.open = false;
    closed = true;
  }
  return closed;
}

function isWriting(target) {
  const fields = 'input:not([type="checkbox"]), textarea, select, [contenteditable]';
  return target instanceof Element && target.closest(fields);
}

function answerKey(event) {
  if (boxes().length === 0 || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    const menu = event.target.closest?.(".bulk-menu[open]");
    if (menu) menu.querySelector("summary").focus();
    if (!closeMenus(null) && boxes().some((box) => box.checked)) {
      tickNone();
      announce("Nothing is selected");
    }
    return;
  }
  if (isWriting(event.target) || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
    event.preventDefault();
    for (const box of boxes()) box.checked = true;
    count();
  } else if (event.key.toLowerCase() === "x" && !event.ctrlKey && !event.metaKey) {
    const box = event.target.closest?.(".pick")?.querySelector("[data-pick]");
    if (!box) return;
    event.preventDefault();
    if (event.shiftKey && last) tickFrom(last, box, true);
    else tick(box, !box.checked);
    count();
  }
}

// Back where one was when what was selected has been dealt with.
function keepPlace() {
  const kept = sessionStorage.getItem(SCROLL);
  sessionStorage.removeItem(SCROLL);
  if (kept && bar()) scrollTo({ top: Number(kept), behavior: "instant" });
}

export function startSelecting() {
  keepPlace();
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-pick]");
    if (box) {
      if (event.shiftKey && last && last.isConnected) tickFrom(last, box, box.checked);
      last = box;
      count();
    }
    if (event.target.closest?.("[data-bulk-none]")) tickNone();
    closeMenus(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-pick], [data-bulk-all]")) count();
  });
  document.addEventListener("submit", (event) => {
    const stays = ["export", "compare", "interpolate"].includes(event.submitter?.value);
    if (event.target.id === "bulk" && !stays) sessionStorage.setItem(SCROLL, String(scrollY));
  });
  document.addEventListener("keydown", answerKey);
  count();
}
