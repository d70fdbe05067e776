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

// Fragments that htmx brings in get the same treatment as the first page.
htmx.onLoad((element) => {
  startLive(element);
  showLocalTimes(element);
});
