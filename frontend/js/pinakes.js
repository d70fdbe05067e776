// The entry of the bundle: each module finds its own elements and leaves the rest alone.
// Every page works without this file; it adds live updates, keys and comfort.
import htmx from "htmx.org";

import { startAsking } from "./asking.js";
import { startCopying } from "./copying.js";
import { startDropping } from "./dropping.js";
import { startLive } from "./live.js";
import { startPreferences } from "./preferences.js";
import { startShortcuts } from "./shortcuts.js";
import { startStudio } from "./studio.js";
import { showLocalTimes } from "./times.js";

startPreferences();
startShortcuts();
startCopying();
startDropping();
startAsking();
startStudio();
startLive(document);
showLocalTimes(document);

// The page for when the server is away; browsers allow it on this machine and over HTTPS only.
navigator.serviceWorker?.register("/service-worker.js");

// Filters that are not set stay out of the address, so that it can be read and passed on.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method !== "GET" || !(request.body instanceof FormData)) return;
  for (const [name, value] of [...request.body]) {
    if (value === "") request.body.delete(name);
  }
});

// Fragments that htmx brings in get the same treatment as the first page.
htmx.onLoad((element) => {
  startLive(element);
  showLocalTimes(element);
});
