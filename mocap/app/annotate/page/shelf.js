// A cache of images and labels; those near the current one are loaded in advance.

import { Labels } from "./labels.js";
import * as server from "./server.js";

const IMAGES_KEPT = 12;
const LABELS_KEPT = 300; // with their history

class Kept {
  constructor(most, make) {
    this.most = most;
    this.make = make;
    this.items = new Map();
  }

  get(index) {
    let item = this.items.get(index);
    if (item) {
      this.items.delete(index);
    } else {
      item = this.make(index);
      item.catch(() => this.items.delete(index));
    }
    this.items.set(index, item);
    while (this.items.size > this.most) this.items.delete(this.items.keys().next().value);
    return item;
  }

  drop(index) {
    this.items.delete(index);
  }
}

async function loadImage(index) {
  const image = new Image();
  image.src = server.imageAddress(index);
  image.alt = "";
  image.draggable = false;
  try {
    await image.decode();
  } catch {
    throw new Error(await server.imageComplaint(index));
  }
  return image;
}

const images = new Kept(IMAGES_KEPT, loadImage);
const labels = new Kept(LABELS_KEPT, async (index) => new Labels(await server.readSample(index)));
const guesses = new Kept(IMAGES_KEPT, server.readGuess);

export const image = (index) => images.get(index);
export const labelsOf = (index) => labels.get(index);
export const guessFor = (index) => guesses.get(index);
export const forget = (index) => labels.drop(index);

/** Load all labels again, except those that are being edited. */
export function forgetAll(except) {
  for (const index of [...labels.items.keys()]) if (index !== except.index) labels.drop(index);
}

/** Load in advance what will probably be needed next. Errors are reported only when it is needed. */
export function fetchAhead(indices, { withGuess = false } = {}) {
  for (const index of indices) {
    images.get(index).catch(() => {});
    const found = labels.get(index);
    found.then((known) => {
      if (withGuess && known.isEmpty && known.state === "todo") guesses.get(index).catch(() => {});
    }, () => {});
  }
}
