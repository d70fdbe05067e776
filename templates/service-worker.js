{% load static %}// Keeps one page for the time when the server is away; everything else always comes from it.
const STORE = "pinakes-offline-1";
const KEPT = [
  "{% url 'offline' %}",
  "{% static 'pinakes.css' %}",
  "{% static 'early.js' %}",
  "{% static 'favicon.svg' %}",
  "{% static 'fonts/newsreader-latin-wght-normal.woff2' %}",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(KEPT)));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("{% url 'offline' %}")));
  } else if (KEPT.includes(url.pathname)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(event.request)));
  }
});
