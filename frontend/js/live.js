// Live results. One stream of server-sent events tells of everything of one's own on the page;
// somebody else's generation, which reviewers see, has a stream to itself. Where streams fail, or
// too many run at once, the state is asked for every two seconds. The server renders the finished
// card, so that there is one renderer only.
import htmx from "htmx.org";

import { announce } from "./announcer.js";
import { tellDesktop } from "./notices.js";

// Browsers open six connections to one HTTP/1.1 host; half stay free for everything else.
const MAX_STREAMS = 3;
const POLL_EVERY_MS = 2000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
const TRIES_BEFORE_POLLING = 4;
const ANNOUNCED_STEPS = 4;
const EVENTS = [
  ...["status", "progress", "preview", "delta", "finished"].map((name) => `generation.${name}`),
  "answer.preview",
  "answer.changed",
];

// The words of the cards where they differ from those of the interface.
const STATUS_WORDS = { canceling: "stopping", succeeded: "done" };

const followed = new Map();
let openStreams = 0;
let finishedUnseen = 0;
const plainTitle = document.title;

// Our own back-off with jitter: the browser's own would retry at a fixed pace for ever.
function pauseAfter(tries) {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries) * (0.5 + Math.random() / 2);
}

// The stream of everything of one's own, open while somebody on the page wants it.
const own = {
  followers: new Set(),
  stream: null,
  lastEvent: "",
  told: false,
  tries: 0,
  timer: 0,

  add(follower) {
    this.followers.add(follower);
    if (this.told) {
      // What the stream has told before is told by the state.
      follower.poll();
    } else if (!this.stream && !this.timer) {
      this.connect();
    }
  },

  remove(follower) {
    this.followers.delete(follower);
    if (this.followers.size === 0) this.close();
  },

  close() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.stream?.close();
    this.stream = null;
    this.told = false;
  },

  connect() {
    this.timer = 0;
    const url = new URL("/api/v1/events", location.href);
    if (this.lastEvent) url.searchParams.set("after", this.lastEvent);
    this.stream = new EventSource(url);
    for (const name of [...EVENTS, "stream.snapshot"]) {
      this.stream.addEventListener(name, (event) => this.pass(name, event));
    }
    this.stream.onerror = () => {
      this.close();
      this.tries += 1;
      this.timer = setTimeout(() => this.connect(), pauseAfter(this.tries));
      if (this.tries >= TRIES_BEFORE_POLLING) {
        for (const follower of this.followers) follower.poll();
      }
    };
  },

  pass(name, event) {
    this.tries = 0;
    if (event.lastEventId) this.lastEvent = event.lastEventId;
    this.told = true;
    const data = JSON.parse(event.data);
    const rows = name === "stream.snapshot" ? data.data : [data];
    if (name === "stream.snapshot") {
      // The snapshot has all that are active, within reason: others have most likely ended.
      const named = new Set(rows.map(({ id }) => id));
      for (const follower of [...this.followers].filter(({ id }) => !named.has(id))) {
        follower.poll();
      }
    }
    for (const row of rows) {
      for (const follower of [...this.followers].filter(({ id }) => id === row.id)) {
        if (name === "stream.snapshot") follower.showWhole(row);
        else follower.show(name, row);
      }
    }
  },
};

class Follower {
  constructor(element) {
    this.element = element;
    this.name = element.dataset.liveName;
    this.id = element.dataset.liveId;
    this.tries = 0;
    this.announcedQuarter = 0;
    this.firstProgress = null;
    this.lastEvent = "";
    this.textLength = 0;
    if ("liveOwn" in element.dataset) own.add(this);
    else this.connect();
  }

  connect() {
    if (openStreams >= MAX_STREAMS || this.tries >= TRIES_BEFORE_POLLING) {
      this.pollAgain();
      return;
    }
    const url = new URL(this.element.dataset.liveEvents, location.href);
    if (this.lastEvent) url.searchParams.set("after", this.lastEvent);
    openStreams += 1;
    this.stream = new EventSource(url);
    for (const name of [...EVENTS, "stream.snapshot"]) {
      this.stream.addEventListener(name, (event) => {
        this.tries = 0;
        if (event.lastEventId) this.lastEvent = event.lastEventId;
        const data = JSON.parse(event.data);
        if (name === "stream.snapshot") this.showWhole(data);
        else this.show(name, data);
      });
    }
    this.stream.onerror = () => this.reconnect();
  }

  show(name, data) {
    if (name === "answer.changed") this.poll();
    else if (name === "answer.preview") this.showDraft(data);
    else if (name === "generation.status") this.showStatus(data);
    else if (name === "generation.progress") this.showProgress(data);
    else if (name === "generation.preview") this.showPreview(data);
    else if (name === "generation.delta") this.showDelta(data);
    else if (name === "generation.finished") this.finish();
    if (name === "generation.preview" || name === "generation.delta") this.showProgress(data);
  }

  closeStream() {
    if (!this.stream) return;
    this.stream.close();
    this.stream = null;
    openStreams -= 1;
  }

  reconnect() {
    this.closeStream();
    this.tries += 1;
    this.timer = setTimeout(() => this.connect(), pauseAfter(this.tries));
  }

  async pollAgain() {
    await this.poll();
    if (followed.has(this.element)) this.timer = setTimeout(() => this.connect(), POLL_EVERY_MS);
  }

  async poll() {
    try {
      const response = await fetch(this.element.dataset.liveState, {
        headers: { Accept: "application/json" },
      });
      if (response.status === 404 || response.status === 401) {
        this.stop();
        return;
      }
      if (response.ok) this.showWhole(await response.json());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.say("The server cannot be reached. Trying again.");
    }
  }

  showWhole(generation) {
    if (generation.terminal) {
      this.finish();
      return;
    }
    this.showStatus(generation);
    if (generation.progress?.total) this.showProgress(generation.progress);
  }

  showStatus({ status, queue }) {
    const mark = this.element.querySelector("[data-live-mark]");
    if (mark && status) mark.className = `status is-${status}`;
    const word = this.element.querySelector("[data-live-status]");
    if (word && status) word.textContent = STATUS_WORDS[status] ?? status;
    if (status === "queued" && queue?.position) this.say(`Place ${queue.position} in the queue`);
    if (status === "running" && !this.firstProgress) this.say("Starting");
    if (status === "canceling") this.say("Stopping after this step");
  }

  showProgress({ done, total, unit }) {
    const bar = this.element.querySelector("progress");
    if (bar && total) {
      bar.max = total;
      bar.value = done;
    }
    this.firstProgress ??= { done, at: performance.now() };
    const sentence = `${done} of ${total} ${unit}${total === 1 ? "" : "s"}`;
    this.say(sentence + this.timeLeft(done, total));
    const quarter = Math.floor((done / total) * ANNOUNCED_STEPS);
    if (quarter > this.announcedQuarter) {
      this.announcedQuarter = quarter;
      announce(`${this.name}: ${sentence}`);
    }
  }

  timeLeft(done, total) {
    const steps = done - this.firstProgress.done;
    if (steps < 2) return "";
    const perStep = (performance.now() - this.firstProgress.at) / steps;
    const seconds = Math.round((perStep * (total - done)) / 1000);
    return seconds >= 2 ? `, ${seconds} s left` : "";
  }

  showPreview({ media_type: mediaType, text, data, length }) {
    const place = this.element.querySelector("[data-live-preview]");
    if (!place || document.documentElement.dataset.previews === "off") return;
    if (data && mediaType.startsWith("image/")) {
      let picture = place.querySelector("img");
      if (!picture) {
        picture = new Image();
        picture.alt = "Preview, not finished yet";
        picture.className = "is-small-original";
        place.className = place.dataset.livePictureClass;
        place.replaceChildren(picture);
      }
      picture.src = `data:${mediaType};base64,${data}`;
    } else if (text) {
      place.className = place.dataset.liveTextClass;
      place.textContent = text;
      this.textLength = length;
      place.scrollTop = place.scrollHeight;
    }
  }

  // What a language model has written so far; how long it will be, nobody knows.
  showDraft(data) {
    this.showPreview(data);
    this.showStatus({ status: "running" });
    this.say("");
  }

  // Without what comes before it, added text waits for the next preview, which has the whole.
  showDelta({ offset, length, text }) {
    const place = this.element.querySelector("[data-live-preview]");
    // Where previews are not wanted none was shown, and nothing goes on from it.
    if (!place || offset !== this.textLength || document.documentElement.dataset.previews === "off") return;
    place.append(text);
    this.textLength = length;
    place.scrollTop = place.scrollHeight;
  }

  say(sentence) {
    const line = this.element.querySelector("[data-live-line]");
    if (line) line.textContent = sentence;
  }

  stop() {
    clearTimeout(this.timer);
    this.closeStream();
    own.remove(this);
    followed.delete(this.element);
  }

  async finish() {
    this.stop();
    const { element } = this;
    const hadFocus = element.contains(document.activeElement);
    const { id } = element;
    await htmx.ajax("GET", element.dataset.liveCard, {
      // Each by itself: requests from one source are dropped while one of them runs.
      source: element,
      target: element,
      swap: "outerHTML",
      ...(element.dataset.liveSelect ? { select: element.dataset.liveSelect } : {}),
    });
    announce(`${this.name} is finished`);
    document.body.dispatchEvent(new CustomEvent("pinakes:queue"));
    if (hadFocus) document.getElementById(id)?.querySelector("a")?.focus();
    if (document.hidden) {
      finishedUnseen += 1;
      document.title = `(${finishedUnseen}) ${plainTitle}`;
      tellDesktop(this.name, finishedUnseen, document.getElementById(id)?.querySelector("a")?.href);
    }
  }
}

function dropRemoved() {
  for (const [element, follower] of followed) {
    if (!element.isConnected) follower.stop();
  }
}

export function startLive(root) {
  dropRemoved();
  const elements = [...root.querySelectorAll("[data-live-events]")];
  if (root instanceof Element && root.matches("[data-live-events]")) elements.push(root);
  for (const element of elements) {
    if (!followed.has(element)) followed.set(element, new Follower(element));
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  finishedUnseen = 0;
  document.title = plainTitle;
});

addEventListener("pagehide", () => {
  for (const follower of followed.values()) follower.stop();
});
