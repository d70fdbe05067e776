// Theme and rail, remembered in cookies so that the server draws the first frame right.
const YEAR_IN_SECONDS = 31_536_000;

function remember(name, value) {
  const age = value === "" ? 0 : YEAR_IN_SECONDS;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
}

function shownTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "paper";
}

function wearTheme(theme) {
  if (theme === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("pinakes_theme", theme);
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
    }
  });
}
