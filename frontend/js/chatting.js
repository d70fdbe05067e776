// A conversation that was asked something: the new turn comes into view and the next question can
// be typed at once. Everything else of it is forms and live results like elsewhere.
import { announce } from "./announcer.js";

export function showNewTurn(element) {
  if (element.id !== "chat") return;
  const composer = element.querySelector("#chat-composer textarea");
  composer?.focus({ preventScroll: true });
  // What was refused stays where it was typed, and the field says why.
  if (composer?.hasAttribute("aria-invalid")) return;
  element.querySelector(".turn:last-of-type")?.scrollIntoView({ block: "center" });
  announce("The question was put");
}
