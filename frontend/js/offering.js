// What is offered while one writes: `/` at the start of a word brings the prompts that are kept, `@`
// the models, `#` collections and documents; the field says in `data-offering` which of them. The
// list follows the ARIA pattern of a text field with a listbox: the field keeps the focus and names
// the option that is meant. Prompts page, model picker and boxes below a question do the same
// without this.
import { announce } from "./announcer.js";
import { keepTo, knowledge } from "./keeping.js";

const MOST = 8;
const TOKEN = /(^|\s)([/@#])([^\s/@#]{0,40})$/;
const WHAT = { "/": "kept prompt", "@": "model", "#": "collection or document" };
const MANY = { "/": "kept prompts", "@": "models", "#": "collections and documents" };
const PLACE = /\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}/g;

let kept = null;

// Asked for once, when the first slash is typed.
function keptPrompts() {
  kept ??= fetch("/api/v1/prompts?limit=200", { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : { data: [] }))
    .then(({ data }) =>
      data.map((prompt) => ({
        name: prompt.name,
        help: prompt.description || prompt.latest.text,
        prompt,
      })),
    )
    .catch(() => {
      // The next slash asks again.
      kept = null;
      return [];
    });
  return kept;
}

function models(form) {
  return [...form.querySelectorAll("input[name=model]:not(:disabled)")].map((radio) => {
    const item = radio.closest(".picker-item");
    const help = item.querySelector(":scope > .small")?.textContent.trim().replace(/\s+/g, " ");
    return { name: item.querySelector("[data-picker-name]").textContent, help, radio };
  });
}

function matching(offers, typed) {
  const wanted = typed.toLowerCase();
  const place = ({ name, radio }) => {
    const words = `${name} ${radio?.value ?? ""}`.toLowerCase();
    return words.startsWith(wanted) ? 0 : words.includes(wanted) ? 1 : 2;
  };
  const found = offers.filter((offer) => place(offer) < 2);
  return found.sort((a, b) => place(a) - place(b)).slice(0, MOST);
}

class Offering {
  constructor(field) {
    this.field = field;
    this.list = document.getElementById("offered");
    this.signs = field.dataset.offering;
    this.offers = [];
    this.chosen = 0;
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("input", () => this.look());
    field.addEventListener("keydown", (event) => this.answerKey(event));
    field.addEventListener("blur", () => this.close());
    // Before the field loses the focus, which would close the list under the finger.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take([...this.list.children].indexOf(option));
    });
  }

  get token() {
    const { selectionStart, selectionEnd, value } = this.field;
    if (selectionStart !== selectionEnd) return null;
    const found = TOKEN.exec(value.slice(0, selectionStart));
    if (!found || !this.signs.includes(found[2])) return null;
    return { sign: found[2], typed: found[3], start: selectionStart - found[3].length - 1 };
  }

  offered(sign) {
    if (sign === "/") return keptPrompts();
    return sign === "@" ? models(this.field.form) : knowledge();
  }

  async look() {
    const { token } = this;
    if (!token) return this.close();
    const offers = await this.offered(token.sign);
    // Meanwhile something else may stand there.
    const now = this.token;
    if (!now || now.start !== token.start || now.sign !== token.sign) return undefined;
    this.offers = matching(offers, now.typed);
    if (this.offers.length === 0) return this.close();
    this.chosen = 0;
    this.show();
    const what = this.offers.length === 1 ? WHAT[now.sign] : MANY[now.sign];
    announce(`${this.offers.length} ${what} offered`);
    return undefined;
  }

  show() {
    const options = this.offers.map(({ name, help }, place) => {
      const option = document.createElement("li");
      option.id = `offered-${place}`;
      option.role = "option";
      option.ariaSelected = String(place === this.chosen);
      const title = document.createElement("strong");
      title.dir = "auto";
      title.textContent = name;
      const line = document.createElement("span");
      line.className = "small soft";
      line.dir = "auto";
      line.textContent = help ?? "";
      option.append(title, line);
      return option;
    });
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.field.setAttribute("aria-activedescendant", options[this.chosen].id);
    options[this.chosen].scrollIntoView({ block: "nearest" });
  }

  close() {
    this.list.hidden = true;
    this.list.replaceChildren();
    this.field.removeAttribute("aria-activedescendant");
  }

  answerKey(event) {
    if (this.list.hidden || event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.chosen = (this.chosen + step + this.offers.length) % this.offers.length;
      this.show();
    } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
      this.take(this.chosen);
    } else if (event.key === "Escape") {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  take(place) {
    const { token } = this;
    const offer = this.offers[place];
    this.close();
    if (!token || !offer) return;
    const end = this.field.selectionStart;
    if (offer.radio) {
      this.replace(token.start, end, "");
      offer.radio.checked = true;
      offer.radio.dispatchEvent(new Event("change", { bubbles: true }));
      announce(`Model: ${offer.name}`);
    } else if (offer.knowledge) {
      this.replace(token.start, end, "");
      keepTo(this.field.form, offer);
    } else {
      this.use(offer.prompt, token.start, end);
    }
  }

  replace(start, end, text) {
    this.field.setRangeText(text, start, end, "end");
    // Whoever keeps the draft hears of it like of any writing.
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.field.focus();
  }

  use(prompt, start, end) {
    const { text, variables, defaults, id } = prompt.latest;
    const putIn = (values) => {
      this.replace(start, end, text.replace(PLACE, (_, name) => values[name] ?? ""));
      this.remember(id);
    };
    if (variables.length === 0) putIn({});
    else askFor(prompt.name, variables, defaults, putIn, () => this.field.focus());
  }

  // The generation says which version of which prompt it was made from.
  remember(id) {
    const { form } = this.field;
    let hidden = form.querySelector("input[name=prompt_version]");
    if (!hidden) {
      hidden = document.createElement("input");
      hidden.type = "hidden";
      hidden.name = "prompt_version";
      form.append(hidden);
    }
    hidden.value = id;
  }
}

function askFor(name, variables, defaults, putIn, leave) {
  const dialog = document.getElementById("kept-prompt");
  dialog.querySelector("h2").textContent = name;
  const fields = variables.map((variable) => {
    const box = document.createElement("div");
    box.className = "field";
    const label = document.createElement("label");
    label.htmlFor = `place-${variable}`;
    label.textContent = variable.replaceAll("_", " ");
    const field = document.createElement("textarea");
    field.id = `place-${variable}`;
    field.className = "textarea is-line";
    field.rows = 1;
    field.maxLength = 20_000;
    field.dir = "auto";
    field.required = true;
    field.dataset.place = variable;
    field.value = defaults[variable] ?? "";
    box.append(label, field);
    return box;
  });
  dialog.querySelector("[data-places]").replaceChildren(...fields);
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "use") return leave();
      const given = [...dialog.querySelectorAll("[data-place]")];
      return putIn(Object.fromEntries(given.map((field) => [field.dataset.place, field.value])));
    },
    { once: true },
  );
  dialog.showModal();
  dialog.querySelector("[data-place]").select();
}

export function startOffering() {
  const field = document.querySelector("[data-offering]");
  if (field) new Offering(field);
}
