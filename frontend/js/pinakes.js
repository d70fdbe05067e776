// The entry of the bundle: each module finds its own elements and leaves the rest alone.
// Every page works without this file; it adds live updates, keys and comfort.
import htmx from "htmx.org";

import { startAsking } from "./asking.js";
import { startChaining } from "./chaining.js";
import { showNewTurn } from "./chatting.js";
import { startCopying } from "./copying.js";
import { startDropping } from "./dropping.js";
import { startKeeping } from "./keeping.js";
import { startLive } from "./live.js";
import { startNotices } from "./notices.js";
import { startOffering } from "./offering.js";
import { startPainting } from "./painting.js";
import { startPictures } from "./pictures.js";
import { startPreferences } from "./preferences.js";
import { showScores } from "./scores.js";
import { startSelecting } from "./selecting.js";
import { startSheets } from "./sheets.js";
import { startShortcuts } from "./shortcuts.js";
import { startStudio } from "./studio.js";
import { showLocalTimes, tellZone } from "./times.js";
import { startTrouble } from "./trouble.js";
import { startVersus } from "./versus.js";

startTrouble();
startPictures();
startPreferences();
startNotices();
tellZone();
startShortcuts();
startSheets();
startCopying();
startDropping();
startAsking();
startChaining();
startStudio();
startPainting();
startKeeping();
startOffering();
startSelecting();
startVersus();
startLive(document);
showLocalTimes(document);
showScores(document);

// The page for when the server is away; browsers allow it on this machine and over HTTPS only.
navigator.serviceWorker?.register("/service-worker.js");

// Fields that are not set stay out of addresses, so that these can be read and passed on; the
// tokens of forms stay out because addresses end up in logs. Files have no place in one.
const KEPT_OUT = new Set(["csrfmiddlewaretoken", "key"]);
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method !== "GET" || !(request.body instanceof FormData)) return;
  for (const [name, value] of [...request.body]) {
    if (value === "" || value instanceof File || KEPT_OUT.has(name)) request.body.delete(name);
  }
});

// Fragments that htmx brings in get the same treatment as the first page.
htmx.onLoad((element) => {
  startLive(element);
  showLocalTimes(element);
  showScores(element);
  showNewTurn(element);
});
