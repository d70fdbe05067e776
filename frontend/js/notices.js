// A word on the desktop when something ends while one looks elsewhere, for those who asked for it.
// The wish is kept with the account; the leave belongs to each browser alone.
import { keepPreference } from "./preferences.js";

const TAG = "pinakes-finished";

function wishes() {
  return document.documentElement.dataset;
}

function isAllowed() {
  return "Notification" in window && Notification.permission === "granted";
}

function isWanted() {
  return isAllowed() && wishes().notices === "wanted";
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
    delete wishes().notices;
    say(box, "");
    await keepPreference({ notices: false });
    return;
  }
  const answer = await Notification.requestPermission();
  if (answer === "granted") wishes().notices = "wanted";
  say(box, answer === "denied" ? "This browser refuses notices from here; its settings say so." : "");
  if (answer === "granted") await keepPreference({ notices: true });
}

export function startNotices() {
  const box = document.querySelector("input[data-notices]");
  if (!box) return;
  if (!("Notification" in window)) {
    box.disabled = true;
    say(box, "This browser has no notices.");
    return;
  }
  const isOwed = wishes().notices === "wanted" && !isAllowed();
  say(box, isOwed ? "You wish for it, but this browser has not given its leave: tick to ask." : "");
  box.addEventListener("change", () => change(box));
}
