// A word on the desktop when something ends while one looks elsewhere, for those who asked for it.
// The browser's leave belongs to this browser alone, so the wish is kept beside it, not on the server.
const KEPT = "pinakes-notices";
const TAG = "pinakes-finished";

function isAllowed() {
  return "Notification" in window && Notification.permission === "granted";
}

function isWanted() {
  return isAllowed() && localStorage.getItem(KEPT) === "yes";
}

// One notice stands for all that ended unseen: each that comes takes the place of the one before.
export function tellDesktop(name, count, address) {
  if (!isWanted()) return;
  const body = count === 1 ? `${name} is finished` : `${count} results are finished`;
  const notice = new Notification("Pinakes", { body, tag: TAG });
  notice.addEventListener("click", () => {
    window.focus();
    notice.close();
    if (count === 1 && address) location.assign(address);
  });
}

function say(box, sentence) {
  const line = document.querySelector("[data-notices-line]");
  if (line) line.textContent = sentence;
  box.checked = isWanted();
}

async function change(box) {
  if (!box.checked) {
    localStorage.removeItem(KEPT);
    say(box, "");
    return;
  }
  const answer = await Notification.requestPermission();
  if (answer === "granted") localStorage.setItem(KEPT, "yes");
  say(box, answer === "denied" ? "This browser refuses notices from here; its settings say so." : "");
}

export function startNotices() {
  const box = document.querySelector("[data-notices]");
  if (!box) return;
  if (!("Notification" in window)) {
    box.disabled = true;
    say(box, "This browser has no notices.");
    return;
  }
  box.checked = isWanted();
  box.addEventListener("change", () => change(box));
}
