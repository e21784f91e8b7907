// The state of the page: the set, the current image with its labels, the chosen keypoint; and all operations on it.

import { ABSENT, OCCLUDED, STATES, VISIBLE } from "./labels.js";
import { keypointsOf, labellingOrder } from "./palette.js";
import * as server from "./server.js";
import * as shelf from "./shelf.js";
import { View } from "./view.js";

export class Desk extends EventTarget {
  /** set: as described by the server. */
  constructor(set) {
    super();
    this.set = set;
    this.count = set.states.length;
    this.keypoints = keypointsOf(set.layout);
    this.order = labellingOrder(set.layout);
    this.view = new View();
    this.filter = "all";
    this.index = -1;
    this.labels = null;
    this.image = null;
    this.active = this.order[0];
    this.isArmed = false; // a click on the image puts the active keypoint there
    this.cross = null; // where the space bar would place it
    this.wanted = -1;
  }

  get isTake() {
    return this.set.kind === "take";
  }

  nameOf(index) {
    return this.set.names.length === 1 ? `${this.set.names[0]}, frame ${index}` : this.set.names[index];
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  say(text) {
    this.tell("said", text);
  }

  /** Show an image; if several are requested, the last one is shown. */
  async go(index) {
    if (index < 0 || index >= this.count || index === this.wanted) return;
    this.wanted = index;
    let trouble = null;
    const found = await Promise.all([shelf.image(index), shelf.labelsOf(index)]).catch((error) => {
      trouble = error.message;
      return [null, null]; // an image that cannot be shown cannot be labelled
    });
    if (this.wanted !== index) return;
    [this.image, this.labels] = found;
    this.index = index;
    this.cross = null;
    this.tell("image");
    if (trouble) {
      this.tell("trouble", trouble);
    } else {
      this.choose(this.firstOpen() ?? this.active, !this.isTake && this.firstOpen() !== null);
      this.guessIfEmpty();
    }
    const ahead = [this.step(1), this.step(-1), this.step(2)].filter((other) => other !== null);
    shelf.fetchAhead(ahead, { withGuess: this.set.can_guess });
  }

  /** The index of the image some steps away, counting only images that pass the filter; null if there is none. */
  step(steps) {
    const direction = Math.sign(steps);
    let left = Math.abs(steps);
    for (let index = this.index + direction; index >= 0 && index < this.count; index += direction) {
      if (this.matches(index) && --left === 0) return index;
    }
    return null;
  }

  matches(index) {
    return this.filter === "all" || this.set.states[index] === Number(this.filter);
  }

  goBy(steps) {
    const index = this.step(steps);
    if (index !== null) return this.go(index);
    this.say(steps > 0 ? "the last image" : "the first image");
  }

  /** The first keypoint, in the order of labelling, that has no label; null if there is none. */
  firstOpen(after = -1) {
    const from = this.order.indexOf(after) + 1;
    const rotated = [...this.order.slice(from), ...this.order.slice(0, from)];
    return rotated.find((joint) => this.labels.isOpen(joint)) ?? null;
  }

  choose(joint, isArmed = true) {
    this.active = joint;
    this.isArmed = isArmed;
    this.tell("chosen");
  }

  chooseNext(steps) {
    const at = this.order.indexOf(this.active);
    this.choose(this.order[(at + steps + this.order.length) % this.order.length]);
    this.sayActive();
  }

  sayActive() {
    const { words } = this.keypoints[this.active];
    const { x, y, visibility } = this.labels.points[this.active];
    const how = { [-1]: "not placed", 0: "absent", 1: "occluded", 2: "visible" }[visibility];
    this.say(visibility > ABSENT ? `${words}, ${how}, at ${Math.round(x)}, ${Math.round(y)}` : `${words}, ${how}`);
  }

  /** After an edit by the user: show and save it. */
  edited() {
    if (this.isTake) this.labels.state = this.labels.isEmpty ? "todo" : "done";
    this.tell("changed");
    this.tell("edited", this.labels);
  }

  /** Place the active keypoint at a position in the image, and go to the next one that is open. */
  placeActive({ x, y }) {
    this.labels.place(this.active, x, y);
    this.edited();
    this.sayActive();
    this.cross = null;
    const next = this.isTake ? null : this.firstOpen(this.active);
    this.choose(next ?? this.active, next !== null);
    this.tell("changed");
  }

  nudge(dx, dy) {
    if (this.labels.positionOf(this.active)) {
      this.labels.nudge(this.active, dx, dy);
      this.edited();
    } else {
      this.cross ??= this.startOfCross();
      this.cross = { x: this.cross.x + dx, y: this.cross.y + dy };
      this.tell("changed");
      this.say(`cross at ${Math.round(this.cross.x)}, ${Math.round(this.cross.y)}`);
    }
  }

  /** The cross starts at the previous keypoint in the order of labelling, or in the middle of the image. */
  startOfCross() {
    const before = this.order.slice(0, this.order.indexOf(this.active)).reverse();
    const placed = before.find((joint) => this.labels.isPlaced(joint));
    const [width, height] = this.labels.size;
    return placed === undefined ? { x: width / 2, y: height / 2 } : { ...this.labels.points[placed] };
  }

  placeAtCross() {
    if (this.cross) {
      this.placeActive(this.cross);
    } else if (this.labels.isPlaced(this.active) || !this.labels.positionOf(this.active)) {
      this.cross = this.startOfCross();
      this.tell("changed");
    } else {
      this.placeActive(this.labels.positionOf(this.active)); // the take's estimate is correct
    }
  }

  setVisibility(visibility) {
    const isPlaced = this.labels.isPlaced(this.active);
    if (!this.labels.setVisibility(this.active, visibility)) return this.say("place it first");
    this.edited();
    this.sayActive();
    if (!isPlaced && visibility === ABSENT) this.choose(this.firstOpen(this.active) ?? this.active);
  }

  toggleOccluded() {
    this.setVisibility(this.labels.points[this.active].visibility === OCCLUDED ? VISIBLE : OCCLUDED);
  }

  setState(state) {
    this.labels.setState(state);
    this.edited();
    this.say(`this image: ${state === "todo" ? "to do" : state}`);
  }

  async finish() {
    this.labels.setState("done");
    this.edited();
    this.set.states[this.index] = STATES.indexOf("done");
    await this.goBy(1);
  }

  goToNextWorst() {
    const { worst } = this.set;
    const at = worst.indexOf(this.index);
    return this.go(worst[(at + 1) % worst.length]);
  }

  /** Apply the corrections so far to the take's motion, and show it; the take's file is not changed. */
  async solve(settled) {
    await settled();
    this.say("solving …");
    try {
      const { faults, worst } = await server.applyCorrections();
      Object.assign(this.set, { faults, worst });
      shelf.forgetAll(this.labels);
      this.labels.bones = (await server.readSample(this.index)).bones;
      this.tell("solved");
      this.tell("changed");
      this.say("the motion follows the corrections; write it with: mocap solve --corrections");
    } catch (error) {
      this.tell("trouble", error.message);
    }
  }

  undo() {
    if (this.labels.undo()) this.edited();
    else this.say("nothing to undo here");
  }

  redo() {
    if (this.labels.redo()) this.edited();
    else this.say("nothing to redo here");
  }

  swapSides() {
    this.labels.swapSides(this.set.layout.mirror_pairs);
    this.edited();
    this.say("left and right exchanged");
  }

  async copyPrevious() {
    const { labels } = this;
    if (labels.index === 0) return this.say("there is no previous image");
    const before = await shelf.labelsOf(labels.index - 1);
    if (before.isEmpty) return this.say("the previous image has no labels");
    labels.copyFrom(before);
    if (labels === this.labels) this.edited();
  }

  /** Interpolate labels between the last image that is done, or has labels, and this one. */
  async interpolate(settled) {
    const last = this.index;
    const begun = (least) => this.set.states.slice(0, last).findLastIndex((state) => state >= least);
    const first = begun(2) >= 0 ? begun(2) : begun(1);
    if (first < 0) return this.say("label an earlier image first, and mark it as done");
    if (first === last - 1) return this.say("there is no image between this one and the previous labelled one");
    await settled();
    try {
      const filled = await server.fillLine(first, last);
      for (const index of filled) {
        shelf.forget(index);
        this.set.states[index] = STATES.indexOf("doubtful");
      }
      this.say(`${filled.length} images filled, from ${this.nameOf(first)} to here`);
      this.tell("changed");
    } catch (error) {
      this.tell("trouble", error.message);
    }
  }

  async guessIfEmpty() {
    const { labels } = this;
    if (!this.set.can_guess || !labels.isEmpty || labels.state !== "todo") return;
    await this.guess({ isAsked: false });
  }

  async guess({ isAsked = true } = {}) {
    const { labels } = this;
    if (!this.set.can_guess) return this.say("no network was given: start with --estimator");
    this.say("the network estimates …");
    try {
      const positions = await shelf.guessFor(labels.index);
      if (!isAsked && !labels.isEmpty) return;
      labels.guess(positions);
      if (labels !== this.labels) return;
      this.choose(this.firstOpen() ?? this.active, this.firstOpen() !== null);
      this.tell("changed");
      this.say("estimated: correct what is wrong, place what is missing, Enter if all is right");
    } catch (error) {
      if (labels === this.labels) this.tell("trouble", error.message);
    }
  }

  zoom(factor, at) {
    const { x, y } = at;
    this.view.zoomAt(x, y, factor);
    this.tell("viewed");
  }
}
