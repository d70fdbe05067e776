// Runs before the first paint, so that controls which need a script do not flash in.
document.documentElement.classList.add("js");
