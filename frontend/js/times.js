// Times are sent in UTC; here they are shown in the reader's own zone.
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = FULL.format(moment);
    if (time.dataset.shown === "full") time.textContent = FULL.format(moment);
    if (time.dataset.shown === "clock") time.textContent = CLOCK.format(moment);
  }
}
