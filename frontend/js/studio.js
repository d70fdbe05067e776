// The composer: draft, seed, model picker, sliders, and taking prompt or seed from a result.
const DRAFT = "pinakes.draft";
const LARGEST_RANDOM_SEED = 2 ** 32;

function keepDraft(prompt) {
  if (prompt.value === "") prompt.value = localStorage.getItem(DRAFT) ?? "";
  prompt.addEventListener("input", () => localStorage.setItem(DRAFT, prompt.value));
}

function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0] % LARGEST_RANDOM_SEED;
}

function describeChoice(picker) {
  const chosen = picker.querySelector("input[name=model]:checked")?.closest(".picker-item");
  const face = picker.querySelector("[data-picker-face]");
  if (!chosen || !face) return;
  const mark = chosen.querySelector("[data-picker-mark]").cloneNode(true);
  mark.classList.remove("is-large");
  face.replaceChildren(mark, chosen.querySelector("[data-picker-name]").textContent);
}

function startPicker(picker) {
  picker.addEventListener("change", () => describeChoice(picker));
  // A click on a row is a decision and closes the list; arrow keys still wander.
  picker.addEventListener("pointerup", (event) => {
    if (event.target.closest(".picker-item")) setTimeout(() => { picker.open = false; }, 120);
  });
  picker.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    if (!picker.open) return;
    event.preventDefault();
    picker.open = false;
    picker.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!picker.contains(event.target)) picker.open = false;
  });
}

// Range and number field of one parameter follow each other; only the number is sent.
function followSliders(form) {
  form.addEventListener("input", (event) => {
    const target = event.target;
    if (target.dataset.follows) {
      document.getElementById(target.dataset.follows).value = target.value;
    } else if (target.dataset.leads) {
      document.getElementById(target.dataset.leads).value = target.value;
    }
  });
  form.addEventListener("click", (event) => {
    const reset = event.target.closest("[data-reset]");
    if (!reset) return;
    const field = document.getElementById(reset.dataset.reset);
    if (field.type === "checkbox") field.checked = reset.dataset.value === "true";
    else field.value = reset.dataset.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function takeFromResults(form) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-take]");
    if (!link) return;
    if (link.dataset.take === "seed") {
      form.elements.seed.value = link.dataset.seed;
      form.elements.keep_seed.checked = true;
    } else if (link.dataset.take === "prompt") {
      form.elements.prompt.value = link.dataset.prompt;
      localStorage.setItem(DRAFT, link.dataset.prompt);
    } else {
      return;
    }
    event.preventDefault();
    form.elements.prompt.focus();
    form.scrollIntoView({ block: "start" });
  });
}

export function startStudio() {
  const form = document.getElementById("composer");
  if (!form) return;
  const prompt = form.elements.prompt;
  keepDraft(prompt);
  followSliders(form);
  takeFromResults(form);
  const picker = form.querySelector(".picker");
  if (picker) startPicker(picker);
  form.querySelector("[data-roll-seed]")?.addEventListener("click", () => {
    form.elements.seed.value = String(randomSeed());
    form.elements.keep_seed.checked = true;
  });
  form.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]");
    if (!example) return;
    event.preventDefault();
    prompt.value = example.dataset.example;
    const model = form.querySelector(`input[name=model][value="${CSS.escape(example.dataset.model)}"]`);
    if (model && !model.checked) model.click();
    localStorage.setItem(DRAFT, prompt.value);
    prompt.focus();
  });
  // A seed that is not locked served for one result; the next one gets its own.
  form.addEventListener("htmx:after:request", (event) => {
    const accepted = event.detail.ctx.response?.status < 400;
    if (event.target === form && accepted && !form.elements.keep_seed.checked) {
      form.elements.seed.value = "";
    }
  });
  // On a phone the knobs stand between the button and the result: bring the result into view.
  form.addEventListener("htmx:after:swap", (event) => {
    if (event.target !== form) return;
    document.querySelector("#results > .card")?.scrollIntoView({ block: "nearest" });
  });
}
