// What somebody prefers: kept with the account, and theme and rail in cookies as well, so that the
// server draws the first frame right before anybody has signed in.
const YEAR_IN_SECONDS = 31_536_000;

function remember(name, value) {
  const age = value === "" ? 0 : YEAR_IN_SECONDS;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
}

// What could not be kept holds on this page, and in the cookie where there is one.
export async function keepPreference(changes) {
  const token = document.querySelector("[data-preferences] input")?.value;
  if (!token) return;
  await fetch("/api/v1/me/preferences", {
    method: "PATCH",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(changes),
    keepalive: true,
  }).catch(() => undefined);
}

function shownTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "paper";
}

function wearTheme(theme) {
  document.documentElement.dataset.theme = theme;
  remember("pinakes_theme", theme);
  keepPreference({ theme });
}

export function startPreferences() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-toggle-theme]")) {
      wearTheme(shownTheme() === "night" ? "paper" : "night");
    }
    const railButton = event.target.closest("[data-toggle-rail]");
    if (railButton) {
      const collapsed = document.documentElement.classList.toggle("rail-collapsed");
      railButton.setAttribute("aria-expanded", String(!collapsed));
      remember("pinakes_rail", collapsed ? "collapsed" : "");
      keepPreference({ narrow_rail: collapsed });
    }
  });
}
