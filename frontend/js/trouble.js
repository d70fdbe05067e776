// Answers that are no part of the page: an ended session, a refusal, a server that is away.
// Without this a fragment's place would be filled with a whole error page.
const SENTENCES = {
  403: "That was refused. If you signed in anew in another tab, reload this page; your draft is kept.",
  404: "That is no longer there.",
  413: "That is too large.",
  429: "Too much at once. Try again in a moment.",
  503: "The database cannot be reached. Nothing was stored; try again in a moment.",
};
const UNREACHABLE = "The server cannot be reached. Nothing was sent; try again in a moment.";
const SIGN_IN = "/sign-in";

// Things that ask by themselves must not complain about what nobody did.
function asksByItself(context) {
  return context.sourceElement?.getAttribute("hx-trigger")?.includes("every") ?? false;
}

function show(sentence) {
  const place = document.getElementById("trouble");
  if (!place) return;
  place.querySelector("p").textContent = sentence;
  place.hidden = sentence === "";
}

export function startTrouble() {
  document.addEventListener("htmx:before:response", (event) => {
    const context = event.detail.ctx;
    const { raw, status } = context.response;
    if (raw.redirected && new URL(raw.url).pathname === SIGN_IN) {
      event.preventDefault();
      const here = location.pathname + location.search;
      location.assign(`${SIGN_IN}?next=${encodeURIComponent(here)}`);
    } else if (status >= 400 && status !== 422) {
      event.preventDefault();
      if (!asksByItself(context)) show(SENTENCES[status] ?? `The server answered ${status}.`);
    } else if (!asksByItself(context)) {
      show("");
    }
  });
  document.addEventListener("htmx:error", (event) => {
    if (!asksByItself(event.detail.ctx)) show(UNREACHABLE);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-trouble]")) show("");
  });
}
