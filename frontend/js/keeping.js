// Knowledge chosen by `#`: a question keeps to it. What is chosen stands below the field as boxes
// that can be unticked; the page's own boxes, which work without this, move there when it is theirs.
import { announce } from "./announcer.js";

let known = null;

async function listed(address, field, kind, name) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) return [];
  const { data } = await answer.json();
  const usable = data.filter(({ status }) => status === undefined || status === "indexed");
  return usable.map((row) => ({ name: row[name], help: kind, knowledge: { field, value: row.id } }));
}

// Asked for once, when the first # is typed.
export function knowledge() {
  known ??= Promise.all([
    listed("/api/v1/collections?limit=200", "collection", "Collection", "name"),
    listed("/api/v1/documents?limit=200", "source", "Document", "title"),
  ])
    .then((lists) => lists.flat())
    .catch(() => {
      // The next # asks again.
      known = null;
      return [];
    });
  return known;
}

function boxFor({ field, value }) {
  const label = document.createElement("label");
  label.className = "check-line";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.className = "checkbox checkbox-sm";
  box.name = field;
  box.value = value;
  const words = document.createElement("span");
  words.className = "break";
  words.dir = "auto";
  label.append(box, words);
  return label;
}

function boxesOf(form) {
  return [...form.querySelectorAll("input[name=collection], input[name=source]")];
}

// In the Studio nothing but a choice makes this a question.
function show(form) {
  const panel = form.querySelector(".kept-to[hidden], .is-asking .kept-to");
  if (!panel) return;
  const isAsking = boxesOf(form).some((box) => box.checked);
  panel.hidden = !isAsking;
  panel.closest(".composer").classList.toggle("is-asking", isAsking);
}

export function keepTo(form, { name, knowledge: wanted }) {
  const others = boxesOf(form).filter((box) => box.checked && box.name !== wanted.field);
  // A question keeps to collections or to documents; what was chosen last counts.
  for (const box of others) box.checked = false;
  let box = boxesOf(form).find((each) => each.name === wanted.field && each.value === wanted.value);
  const line = form.querySelector("[data-kept-to]");
  const label = box?.closest("label") ?? boxFor(wanted);
  label.querySelector("span").textContent = `Only in “${name}”`;
  box ??= label.querySelector("input");
  box.checked = true;
  if (!line.contains(label)) line.append(label);
  show(form);
  const instead = others.length > 0 ? " and nothing of what was chosen before" : "";
  announce(`Only in ${name}${instead}`);
}

export function startKeeping() {
  const form = document.querySelector("[data-kept-to]")?.closest("form");
  form?.addEventListener("change", () => show(form));
}
