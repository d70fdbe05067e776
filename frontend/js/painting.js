// Painting a mask over the picture that a model starts from. What is painted becomes a PNG file in
// the mask's own file field, which sends it like any chosen file; without this file, or for who
// rather draws elsewhere, that field takes a mask from the disk.
//
// On the canvas a painted place is opaque and the rest is clear, so that undoing, inverting and
// erasing are one drawing operation each. In the file painted is white and the rest black.
import { announce } from "./announcer.js";

const MOST_UNDONE = 12;
// A picture of 28 pixels would give a brush no room: masks are drawn on a whole multiple of it, so
// that both keep the same shape.
const FEWEST_PIXELS = 512;
const COLOUR = "#4d7bff";
const THRESHOLD = 128;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Painter {
  constructor(dialog) {
    this.dialog = dialog;
    this.stage = dialog.querySelector("[data-painter-stage]");
    this.canvas = dialog.querySelector("canvas");
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.cursor = dialog.querySelector("[data-painter-cursor]");
    this.size = dialog.querySelector("[data-painter-size]");
    this.undoButton = dialog.querySelector("[data-painter=undo]");
    this.past = [];
    this.from = null;
    this.at = null;
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => { this.from = null; });
    }
    this.canvas.addEventListener("pointerleave", () => this.hideCursor());
    this.canvas.addEventListener("focus", () => this.showCursor(this.at ?? this.middle));
    this.canvas.addEventListener("blur", () => this.hideCursor());
    this.canvas.addEventListener("keydown", (event) => this.answerKey(event));
    this.size.addEventListener("input", () => this.showCursor(this.at ?? this.middle));
    dialog.addEventListener("click", (event) => {
      const action = event.target.closest("[data-painter]")?.dataset.painter;
      if (action) this[action]();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "use") this.hand();
      else this.button?.focus();
    });
  }

  get middle() {
    return { x: this.canvas.width / 2, y: this.canvas.height / 2 };
  }

  // The brush's width in pixels of the canvas; the slider says percent of the shorter side.
  get width() {
    return (Number(this.size.value) / 100) * Math.min(this.canvas.width, this.canvas.height);
  }

  get erases() {
    return this.dialog.querySelector("input[name=brush]:checked").value === "erase";
  }

  async open(button) {
    this.button = button;
    const picture = new Image();
    picture.alt = "";
    picture.src = button.dataset.paintOver;
    const mask = button.dataset.paintFrom ? new Image() : null;
    if (mask) mask.src = button.dataset.paintFrom;
    try {
      await Promise.all([picture.decode(), mask?.decode()]);
    } catch {
      announce("The picture could not be loaded");
      return;
    }
    const { naturalWidth: width, naturalHeight: height } = picture;
    const times = Math.max(1, Math.ceil(FEWEST_PIXELS / Math.max(width, height)));
    this.canvas.width = width * times;
    this.canvas.height = height * times;
    this.stage.style.setProperty("--ratio", String(width / height));
    this.stage.querySelector("img")?.remove();
    this.stage.prepend(picture);
    this.past = [];
    this.at = null;
    if (mask) this.take(mask);
    this.tellUndo();
    this.dialog.returnValue = "";
    this.dialog.showModal();
    this.canvas.focus();
  }

  // A mask that was given before: what a network sees as white is painted.
  take(mask) {
    const { width, height } = this.canvas;
    this.pen.drawImage(mask, 0, 0, width, height);
    const drawn = this.pen.getImageData(0, 0, width, height);
    const { data } = drawn;
    for (let place = 0; place < data.length; place += 4) {
      const light = (data[place] + data[place + 1] + data[place + 2]) / 3;
      data[place + 3] = (light * data[place + 3]) / 255 >= THRESHOLD ? 255 : 0;
    }
    this.pen.putImageData(drawn, 0, 0);
    // One colour for all of it, whatever the file had.
    this.pen.globalCompositeOperation = "source-in";
    this.fill();
  }

  fill() {
    this.pen.fillStyle = COLOUR;
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.pen.globalCompositeOperation = "source-over";
  }

  remember() {
    this.past.push(this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.past.length > MOST_UNDONE) this.past.shift();
    this.tellUndo();
  }

  tellUndo() {
    this.undoButton.disabled = this.past.length === 0;
  }

  undo() {
    const before = this.past.pop();
    if (before) this.pen.putImageData(before, 0, 0);
    // A disabled button would lose the focus to nowhere.
    if (this.past.length === 0) this.canvas.focus();
    this.tellUndo();
  }

  clear() {
    this.remember();
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    announce("Nothing is painted");
  }

  invert() {
    this.remember();
    this.pen.globalCompositeOperation = "xor";
    this.fill();
    announce("Painted and kept have changed places");
  }

  stroke(from, to) {
    this.pen.globalCompositeOperation = this.erases ? "destination-out" : "source-over";
    this.pen.strokeStyle = this.pen.fillStyle = COLOUR;
    this.pen.lineWidth = this.width;
    this.pen.lineCap = "round";
    this.pen.beginPath();
    if (from.x === to.x && from.y === to.y) {
      // A line without length is not drawn, round ends or not.
      this.pen.arc(to.x, to.y, this.width / 2, 0, 2 * Math.PI);
      this.pen.fill();
    } else {
      this.pen.moveTo(from.x, from.y);
      this.pen.lineTo(to.x, to.y);
      this.pen.stroke();
    }
    this.pen.globalCompositeOperation = "source-over";
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.canvas.height,
    };
  }

  begin(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.remember();
    this.from = this.place(event);
    this.stroke(this.from, this.from);
    this.showCursor(this.from);
  }

  move(event) {
    this.showCursor(this.place(event));
    if (!this.from) return;
    const moments = event.getCoalescedEvents?.() ?? [];
    for (const moment of moments.length > 0 ? moments : [event]) {
      const to = this.place(moment);
      this.stroke(this.from, to);
      this.from = to;
    }
  }

  answerKey(event) {
    const step = STEPS[event.key];
    const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (step) {
      const before = this.at ?? this.middle;
      const far = this.width / 2;
      const kept = (value, end) => Math.min(end, Math.max(0, value));
      const to = {
        x: kept(before.x + step[0] * far, this.canvas.width),
        y: kept(before.y + step[1] * far, this.canvas.height),
      };
      if (event.shiftKey) {
        if (!event.repeat) this.remember();
        this.stroke(before, to);
      }
      this.showCursor(to);
    } else if (event.key === " " || event.key === "Enter") {
      const here = this.at ?? this.middle;
      this.remember();
      this.stroke(here, here);
      this.showCursor(here);
    } else if (isUndo) {
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
    // Keys of the page mean other things.
    event.stopPropagation();
  }

  showCursor(at) {
    this.at = at;
    const { style } = this.cursor;
    style.insetInlineStart = `${(100 * at.x) / this.canvas.width}%`;
    style.insetBlockStart = `${(100 * at.y) / this.canvas.height}%`;
    style.inlineSize = `${(100 * this.width) / this.canvas.width}%`;
    this.cursor.hidden = false;
  }

  hideCursor() {
    if (document.activeElement !== this.canvas || !this.canvas.matches(":focus-visible")) {
      this.cursor.hidden = true;
    }
  }

  hand() {
    const { width, height } = this.canvas;
    const sheet = new OffscreenCanvas(width, height);
    const pen = sheet.getContext("2d");
    pen.drawImage(this.canvas, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = "white";
    pen.fillRect(0, 0, width, height);
    pen.globalCompositeOperation = "destination-over";
    pen.fillStyle = "black";
    pen.fillRect(0, 0, width, height);
    sheet.convertToBlob({ type: "image/png" }).then((content) => {
      const chosen = new DataTransfer();
      chosen.items.add(new File([content], "painted mask.png", { type: "image/png" }));
      const input = document.getElementById(this.button.dataset.paint);
      if (!input) return;
      input.files = chosen.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      askToInpaint(input.form);
      announce("The mask is painted");
    });
  }
}

// Who has painted a mask wants it filled; the model may be set to another of its tasks.
function askToInpaint(form) {
  const task = form?.elements.p_task;
  if (!(task instanceof HTMLSelectElement) || task.value === "inpaint") return;
  if (![...task.options].some(({ value }) => value === "inpaint")) return;
  task.value = "inpaint";
  task.dispatchEvent(new Event("change", { bubbles: true }));
}

export function startPainting() {
  const dialog = document.getElementById("mask-painter");
  if (!dialog) return;
  const painter = new Painter(dialog);
  // Fields come and go with the model, so the buttons are listened for on the document.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-paint]");
    if (button) painter.open(button);
  });
}
