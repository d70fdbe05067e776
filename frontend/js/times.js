// Times are sent in UTC; here they are shown in the reader's own zone.
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

// Days are counted on the server, which learns from here whose midnight ends them.
export function tellZone() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (!/^[\w+/-]+$/.test(timeZone ?? "")) return;
  document.cookie = `pinakes_zone=${timeZone}; path=/; max-age=31536000; samesite=lax`;
}

export function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = FULL.format(moment);
    if (time.dataset.shown === "full") time.textContent = FULL.format(moment);
    if (time.dataset.shown === "clock") time.textContent = CLOCK.format(moment);
  }
}
