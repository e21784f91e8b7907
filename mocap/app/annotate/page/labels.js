// The labels of one picture and the way back and forth through their changes.

export const OPEN = -1;
export const ABSENT = 0;
export const OCCLUDED = 1;
export const VISIBLE = 2;
export const STATES = ["todo", "doubtful", "done"];
const LONGEST_HISTORY = 200;
const ONE_CHANGE_MS = 1000; // nudges of one keypoint within that time are undone together

const round = (value) => Math.round(value * 100) / 100; // of a pixel

export class Labels {
  /** sample: as the server tells it. A take's own keypoints are in `seen`: shown, but not said by anybody. */
  constructor(sample) {
    this.index = sample.index;
    this.size = sample.size;
    this.seen = sample.seen ?? null;
    this.bones = sample.bones ?? [];
    this.isGuess = false;
    this.undone = [];
    this.history = [];
    this.lastNudge = { at: 0, joint: -1 };
    this.take(sample);
  }

  /** Replace everything by what the server has. */
  take(sample) {
    this.revision = sample.revision;
    this.state = sample.state;
    this.points = sample.points.map(([x, y, visibility]) => ({ x, y, visibility }));
  }

  isPlaced(joint) {
    return this.points[joint].visibility > ABSENT;
  }

  isOpen(joint) {
    return this.points[joint].visibility === OPEN;
  }

  get isEmpty() {
    return this.points.every((point) => point.visibility === OPEN);
  }

  /** Where a keypoint is drawn: where it was placed, else where the take saw it; null if nowhere. */
  placeOf(joint) {
    const point = this.points[joint];
    if (point.visibility > ABSENT) return point;
    const seen = this.seen?.[joint];
    return seen && point.visibility === OPEN ? { x: seen[0], y: seen[1] } : null;
  }

  /** The places in which a line may be drawn, all that are shown. */
  remember() {
    this.history.push(this.snapshot());
    if (this.history.length > LONGEST_HISTORY) this.history.shift();
    this.undone = [];
    this.lastNudge = { at: 0, joint: -1 };
  }

  snapshot() {
    return { state: this.state, points: this.points.map((point) => ({ ...point })) };
  }

  restore(snapshot) {
    this.state = snapshot.state;
    this.points = snapshot.points.map((point) => ({ ...point }));
  }

  undo() {
    if (!this.history.length) return false;
    this.undone.push(this.snapshot());
    this.restore(this.history.pop());
    return true;
  }

  redo() {
    if (!this.undone.length) return false;
    this.history.push(this.snapshot());
    this.restore(this.undone.pop());
    return true;
  }

  /** Put a keypoint to a place of the picture, without a step of its own in the history. */
  move(joint, x, y) {
    const [width, height] = this.size;
    const margin = Math.max(width, height);
    const within = (value, length) => Math.min(length + margin, Math.max(-margin, value));
    const { visibility } = this.points[joint];
    this.points[joint] = {
      x: round(within(x, width)),
      y: round(within(y, height)),
      visibility: visibility > ABSENT ? visibility : VISIBLE,
    };
  }

  place(joint, x, y) {
    this.remember();
    this.move(joint, x, y);
  }

  nudge(joint, dx, dy) {
    const from = this.placeOf(joint);
    const now = performance.now();
    const isSame = this.lastNudge.joint === joint && now - this.lastNudge.at < ONE_CHANGE_MS;
    if (!isSame) this.remember();
    this.move(joint, from.x + dx, from.y + dy);
    this.lastNudge = { at: now, joint };
  }

  /** Say how a keypoint is seen; one without a place takes the one that is shown. */
  setVisibility(joint, visibility) {
    const place = this.placeOf(joint);
    if (visibility > ABSENT && !place) return false;
    this.remember();
    this.points[joint] = visibility > ABSENT ? { x: place.x, y: place.y, visibility } : { x: null, y: null, visibility };
    return true;
  }

  /** Exchange left and right, those too that the take only saw. */
  swapSides(pairs) {
    this.remember();
    const shown = this.points.map((point, joint) => {
      const place = this.placeOf(joint);
      return point.visibility === OPEN && place ? { ...place, visibility: VISIBLE } : point;
    });
    for (const [a, b] of pairs) [this.points[a], this.points[b]] = [shown[b], shown[a]];
  }

  /** Take the points of another picture. */
  copyFrom(other) {
    this.remember();
    this.points = other.points.map((point) => ({ ...point }));
  }

  /** Take places from a network, all visible. */
  guess(places) {
    this.remember();
    this.points = places.map((place) =>
      place ? { x: round(place[0]), y: round(place[1]), visibility: VISIBLE } : { x: null, y: null, visibility: OPEN },
    );
    this.isGuess = true;
  }

  setState(state) {
    if (state === this.state) return;
    this.remember();
    this.state = state;
  }

  asJson() {
    const points = this.points.map(({ x, y, visibility }) => [x, y, visibility]);
    return { revision: this.revision, state: this.state, size: this.size, points };
  }
}
