// The panel beside the image: the keypoints with their keys, the visibility of the chosen one, the state of the image.

import { ABSENT, OCCLUDED, OPEN, STATES, VISIBLE } from "./labels.js";
import { shapeOf, svg } from "./palette.js";

const WORDS = { [OPEN]: "open", [ABSENT]: "absent", [OCCLUDED]: "occluded", [VISIBLE]: "visible" };
const STATE_WORDS = { todo: "To do", doubtful: "Doubtful", done: "Done" };

function button(text, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", run);
  return made;
}

export class Panel {
  constructor(desk) {
    this.desk = desk;
    this.rows = this.makeJoints(document.querySelector("#joints"));
    const choices = [VISIBLE, OCCLUDED, ABSENT].map((visibility) => [
      visibility,
      button(WORDS[visibility], () => desk.setVisibility(visibility)),
    ]);
    this.visibilities = new Map(choices);
    document.querySelector("#visibility").append(...this.visibilities.values());
    this.states = new Map(STATES.map((state) => [state, button(STATE_WORDS[state], () => desk.setState(state))]));
    document.querySelector("#state").append(...this.states.values());
    this.makeWorst();
  }

  makeJoints(list) {
    const rows = [];
    for (const joint of this.desk.order) {
      const { key, words, side, colour } = this.desk.keypoints[joint];
      const row = button("", () => {
        this.desk.choose(joint);
        this.desk.sayActive();
      });
      const icon = svg("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" });
      const shape = shapeOf(side, 6);
      shape.setAttribute("stroke", colour);
      icon.append(shape);
      const shown = document.createElement("kbd");
      shown.textContent = key.toUpperCase();
      const status = document.createElement("span");
      status.className = "status";
      row.append(icon, words, status, shown);
      const item = document.createElement("li");
      item.append(row);
      list.append(item);
      rows[joint] = { row, shape, status, colour };
    }
    return rows;
  }

  makeWorst() {
    const { worst, faults } = this.desk.set;
    document.querySelector("#worst-section").hidden = !this.desk.isTake;
    document.querySelector("#state-section").hidden = this.desk.isTake;
    const buttons = worst.map((frame) => button(`${frame} · ${faults[frame].toFixed(1)}`, () => this.desk.go(frame)));
    worst.forEach((frame, i) => buttons[i].setAttribute("aria-label", `frame ${frame}, fault score ${faults[frame].toFixed(1)}`));
    document.querySelector("#worst").replaceChildren(...buttons);
  }

  draw() {
    const { labels, active } = this.desk;
    this.rows.forEach(({ row, shape, status, colour }, joint) => {
      const { visibility } = labels.points[joint];
      row.setAttribute("aria-pressed", joint === active);
      row.classList.toggle("set", visibility !== OPEN);
      shape.setAttribute("fill", visibility === VISIBLE ? colour : "transparent");
      shape.setAttribute("stroke-dasharray", visibility === OCCLUDED ? "3 2" : "none");
      status.textContent = visibility === VISIBLE ? "" : visibility === OPEN && labels.positionOf(joint) ? "estimated" : WORDS[visibility];
    });
    this.visibilities.forEach((choice, visibility) =>
      choice.setAttribute("aria-pressed", labels.points[active].visibility === visibility),
    );
    this.states.forEach((choice, state) => choice.setAttribute("aria-pressed", labels.state === state));
  }

  /** Scroll to the row of the chosen keypoint. */
  follow() {
    const { row } = this.rows[this.desk.active];
    const list = row.closest("ul");
    const { offsetTop: top, offsetLeft: left } = row;
    if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - 40;
    if (left < list.scrollLeft || left + row.offsetWidth > list.scrollLeft + list.clientWidth) list.scrollLeft = left - 40;
  }
}
