// Two pictures of a comparison, one laid over the other, with a slider that says where one ends.
// Without scripts they stand side by side.
export function startVersus() {
  document.addEventListener("input", ({ target }) => {
    const voting = target.closest?.("#voting, #two");
    const versus = voting?.querySelector("[data-versus]");
    if (!versus) return;
    const range = voting.querySelector("[data-versus-range]");
    if (target.matches("[data-versus-over]")) {
      versus.classList.toggle("is-over", target.checked);
      range.hidden = !target.checked;
    }
    versus.style.setProperty("--shown", `${range.value}%`);
  });
}
