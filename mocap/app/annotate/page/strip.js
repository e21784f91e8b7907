// The strip at the bottom: the state of every image, and a take's fault scores as a curve; click or drag to go there.

import { STATES } from "./labels.js";

const COLOURS = { todo: "#39414d", doubtful: "#e0a526", done: "#3fa66b" };
const DONE_IN_A_TAKE = "#4fc3f7";
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: -10, PageDown: 10 };
const RULER = 16;
const TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

export class Strip {
  constructor(desk, canvas) {
    Object.assign(this, { desk, canvas, context: canvas.getContext("2d") });
    canvas.setAttribute("aria-valuemax", desk.count - 1);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.goTo(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && this.goTo(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  goTo(event) {
    const box = this.canvas.getBoundingClientRect();
    const fraction = (event.clientX - box.left) / box.width;
    this.desk.go(Math.min(this.desk.count - 1, Math.max(0, Math.floor(fraction * this.desk.count))));
  }

  key(event) {
    const { desk } = this;
    const index = { Home: 0, End: desk.count - 1 }[event.key] ?? desk.index + (STEPS[event.key] ?? 0);
    if (index === desk.index) return;
    event.preventDefault();
    desk.go(Math.min(desk.count - 1, Math.max(0, index)));
  }

  draw() {
    const { canvas, context, desk } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.drawStates(width, height);
    if (desk.set.faults.length) this.drawFaults(width, height);
    this.drawRuler(width, height);
    this.drawHead(width, height);
    canvas.setAttribute("aria-valuenow", Math.max(0, desk.index));
    if (desk.index >= 0) canvas.setAttribute("aria-valuetext", `${desk.nameOf(desk.index)}, ${this.stateOf(desk.index)}`);
  }

  stateOf(index) {
    return STATES[this.desk.set.states[index]].replace("todo", "to do");
  }

  drawStates(width, height) {
    const { count, set, isTake } = this.desk;
    const step = width / count;
    const gap = step > 6 ? 1 : 0;
    for (let column = 0; column < count; column++) {
      const state = STATES[set.states[column]];
      if (isTake && state === "todo") continue;
      this.context.fillStyle = isTake ? DONE_IN_A_TAKE : COLOURS[state];
      const right = Math.max(step - gap, set.states[column] ? 2 : step);
      this.context.fillRect(column * step, RULER, right, height - RULER);
    }
  }

  drawFaults(width, height) {
    const { count, set } = this.desk;
    const { context } = this;
    const top = Math.max(2, ...set.faults);
    const at = (frame) => [(frame + 0.5) * (width / count), height - (set.faults[frame] / top) * (height - RULER - 4)];
    context.beginPath();
    context.moveTo(0, height);
    for (let frame = 0; frame < count; frame++) context.lineTo(...at(frame));
    context.lineTo(width, height);
    context.fillStyle = "#c2564199";
    context.fill();
    context.fillStyle = "#ff8a70";
    for (const frame of set.worst) {
      const [x, y] = at(frame);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x - 5, y - 8);
      context.lineTo(x + 5, y - 8);
      context.fill();
    }
  }

  drawRuler(width, height) {
    const { count } = this.desk;
    const step = TICKS.find((ticks) => (ticks * width) / count >= 60) ?? count;
    this.context.fillStyle = "#9aa5b1";
    this.context.font = "11px system-ui, sans-serif";
    for (let index = 0; index < count; index += step) {
      const x = (index / count) * width;
      this.context.fillRect(x, RULER - 4, 1, 4);
      this.context.fillText(index, x + 3, RULER - 4);
    }
  }

  drawHead(width, height) {
    const { count, index } = this.desk;
    const x = ((index + 0.5) / count) * width;
    this.context.fillStyle = "#ffffff";
    this.context.fillRect(x - 1, 0, 2, height);
    this.context.fillRect(x - 5, 0, 10, 4);
  }
}
