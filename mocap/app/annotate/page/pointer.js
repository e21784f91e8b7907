// Mouse, pen and fingers on the image: click to place, drag a marker, drag the image, wheel or pinch to zoom.

const STILL = 4; // pixels: less is a click with a shaky hand
const REACH = { mouse: 12, pen: 14, touch: 26 }; // pixels around a marker

export class Pointer {
  constructor(desk, stage, loupe, filterOf) {
    Object.assign(this, { desk, stage, loupe, filterOf });
    this.down = new Map(); // pointers by id
    this.drag = null;
    const { element } = stage;
    element.addEventListener("pointerdown", (event) => this.begin(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.end(event));
    element.addEventListener("pointercancel", (event) => this.cancel(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  at(event) {
    const box = this.stage.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  nearest(at, kind) {
    const { labels, view, keypoints, active } = this.desk;
    let found = null;
    let least = REACH[kind] ?? REACH.mouse;
    for (const { index } of keypoints) {
      const position = labels.positionOf(index);
      if (!position) continue;
      const shown = view.toStage(position);
      const distance = Math.hypot(shown.x - at.x, shown.y - at.y) - (index === active ? 2 : 0);
      if (distance <= least) [found, least] = [index, distance];
    }
    return found;
  }

  begin(event) {
    if (!this.desk.labels) return;
    const at = this.at(event);
    this.stage.element.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, at);
    if (this.down.size === 2) return this.beginPinch();
    if (this.down.size > 2) return;
    const joint = event.button === 0 ? this.nearest(at, event.pointerType) : null;
    this.drag = { start: at, last: at, joint, isPlain: event.button === 0, hasMoved: false };
    if (joint !== null) {
      const position = this.desk.view.toStage(this.desk.labels.positionOf(joint));
      this.drag.grip = { x: position.x - at.x, y: position.y - at.y };
    }
  }

  move(event) {
    const at = this.at(event);
    if (this.down.has(event.pointerId)) this.down.set(event.pointerId, at);
    if (this.pinch) return this.movePinch();
    const { drag } = this;
    if (!drag) return;
    if (!drag.hasMoved && Math.hypot(at.x - drag.start.x, at.y - drag.start.y) < STILL) return;
    if (drag.joint === null) this.pan(at);
    else this.moveMarker(at);
    drag.hasMoved = true;
    drag.last = at;
  }

  pan(at) {
    const { last } = this.drag;
    this.desk.view.panBy(at.x - last.x, at.y - last.y);
    this.stage.element.classList.add("panning");
    this.desk.tell("viewed");
  }

  moveMarker(at) {
    const { labels, view, image } = this.desk;
    const { joint, grip, hasMoved } = this.drag;
    if (!hasMoved) {
      this.desk.choose(joint, false);
      labels.remember();
    }
    const position = view.toImage(at.x + grip.x, at.y + grip.y);
    labels.move(joint, position.x, position.y);
    this.desk.tell("changed");
    if (image) this.loupe.show(image, position, view, at, this.filterOf());
  }

  end(event) {
    this.down.delete(event.pointerId);
    if (this.pinch) {
      if (!this.down.size) this.pinch = null;
      return;
    }
    const { drag } = this;
    this.letGo();
    if (!drag) return;
    if (drag.hasMoved && drag.joint !== null) {
      this.desk.edited();
      this.desk.sayActive();
    } else if (!drag.hasMoved && drag.isPlain) {
      this.click(drag);
    }
  }

  click({ joint, start }) {
    const { desk } = this;
    const isNew = desk.isArmed && !desk.labels.positionOf(desk.active); // it may lie beside or over another one
    if (joint !== null && !isNew) {
      desk.choose(joint, false);
      desk.sayActive();
    } else if (desk.isArmed) {
      desk.placeActive(desk.view.toImage(start.x, start.y));
    } else {
      desk.say("choose a keypoint to place it here");
    }
  }

  cancel(event) {
    this.down.delete(event.pointerId);
    if (!this.down.size) this.pinch = null;
    if (this.drag?.hasMoved && this.drag.joint !== null) this.desk.edited();
    this.letGo();
  }

  letGo() {
    this.drag = null;
    this.loupe.hide();
    this.stage.element.classList.remove("panning");
  }

  beginPinch() {
    if (this.drag?.hasMoved && this.drag.joint !== null) this.desk.edited();
    this.letGo();
    this.pinch = this.fingers();
  }

  fingers() {
    const [a, b] = [...this.down.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, span: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  }

  movePinch() {
    if (this.down.size < 2) return;
    const now = this.fingers();
    this.desk.view.panBy(now.x - this.pinch.x, now.y - this.pinch.y);
    this.desk.zoom(now.span / this.pinch.span, now);
    this.pinch = now;
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 20 : event.deltaY;
    this.desk.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), this.at(event));
  }
}
