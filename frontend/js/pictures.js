// A picture that does not arrive says so in words, instead of as the browser's broken mark.
export function startPictures() {
  document.addEventListener(
    "error",
    (event) => {
      const picture = event.target;
      if (!(picture instanceof HTMLImageElement)) return;
      const words = document.createElement("span");
      words.className = "picture-missing";
      words.textContent = "The picture could not be loaded";
      picture.replaceWith(words);
    },
    // Errors of loading do not bubble; they can only be caught on the way down.
    true,
  );
}
