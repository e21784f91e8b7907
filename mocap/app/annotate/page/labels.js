// The labels of one image, with undo and redo.

export const OPEN = -1;
export const ABSENT = 0;
export const OCCLUDED = 1;
export const VISIBLE = 2;
export const STATES = ["todo", "doubtful", "done"];
const LONGEST_HISTORY = 200;
const ONE_CHANGE_MS = 1000; // nudges of one keypoint within that time are undone together

const round = (value) => Math.round(value * 100) / 100; // of a pixel

export class Labels {
  /** sample: from the server. A take's own keypoints are in `estimated`: they are shown, but are not labels. */
  constructor(sample) {
    this.index = sample.index;
    this.size = sample.size;
    this.estimated = sample.estimated ?? null;
    this.bones = sample.bones ?? [];
    this.isGuess = false;
    this.undone = [];
    this.history = [];
    this.lastNudge = { at: 0, joint: -1 };
    this.take(sample);
  }

  /** Replace everything by the server's version. */
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

  /** The position at which a keypoint is drawn: its label, else the take's estimate; null if there is none. */
  positionOf(joint) {
    const point = this.points[joint];
    if (point.visibility > ABSENT) return point;
    const estimated = this.estimated?.[joint];
    return estimated && point.visibility === OPEN ? { x: estimated[0], y: estimated[1] } : null;
  }

  /** Save the current state in the history, before a change. */
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

  /** Move a keypoint to a position in the image, without a new step in the history. */
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
    const from = this.positionOf(joint);
    const now = performance.now();
    const isSame = this.lastNudge.joint === joint && now - this.lastNudge.at < ONE_CHANGE_MS;
    if (!isSame) this.remember();
    this.move(joint, from.x + dx, from.y + dy);
    this.lastNudge = { at: now, joint };
  }

  /** Set the visibility of a keypoint; one without a position gets the one that is shown. */
  setVisibility(joint, visibility) {
    const position = this.positionOf(joint);
    if (visibility > ABSENT && !position) return false;
    this.remember();
    this.points[joint] = visibility > ABSENT ? { x: position.x, y: position.y, visibility } : { x: null, y: null, visibility };
    return true;
  }

  /** Exchange left and right, also of keypoints that are only estimated by the take. */
  swapSides(pairs) {
    this.remember();
    const shown = this.points.map((point, joint) => {
      const position = this.positionOf(joint);
      return point.visibility === OPEN && position ? { ...position, visibility: VISIBLE } : point;
    });
    for (const [a, b] of pairs) [this.points[a], this.points[b]] = [shown[b], shown[a]];
  }

  /** Copy the points of another image. */
  copyFrom(other) {
    this.remember();
    this.points = other.points.map((point) => ({ ...point }));
  }

  /** Use positions from a network, all visible. */
  guess(positions) {
    this.remember();
    this.points = positions.map((position) =>
      position ? { x: round(position[0]), y: round(position[1]), visibility: VISIBLE } : { x: null, y: null, visibility: OPEN },
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
