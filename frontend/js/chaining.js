// The form of a chain: an earlier step's output is put in where the caret was. Without this file it
// goes to the end of the text.
export function startChaining() {
  document.addEventListener("focusout", ({ target }) => {
    if (!(target instanceof HTMLTextAreaElement) || !target.dataset.caret) return;
    const field = document.getElementById(target.dataset.caret);
    // The server counts characters where JavaScript counts UTF-16 units.
    if (field) field.value = [...target.value.slice(0, target.selectionStart)].length;
  });
}
