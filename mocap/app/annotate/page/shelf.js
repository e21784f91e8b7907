// Pictures and labels at hand: those around the current one are fetched before they are asked for.

import { Labels } from "./labels.js";
import * as server from "./server.js";

const PICTURES_KEPT = 12;
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

async function loadPicture(index) {
  const picture = new Image();
  picture.src = server.pictureAddress(index);
  picture.alt = "";
  picture.draggable = false;
  try {
    await picture.decode();
  } catch {
    throw new Error(await server.pictureComplaint(index));
  }
  return picture;
}

const pictures = new Kept(PICTURES_KEPT, loadPicture);
const labels = new Kept(LABELS_KEPT, async (index) => new Labels(await server.readSample(index)));
const guesses = new Kept(PICTURES_KEPT, server.readGuess);

export const picture = (index) => pictures.get(index);
export const labelsOf = (index) => labels.get(index);
export const guessFor = (index) => guesses.get(index);
export const forget = (index) => labels.drop(index);

/** Have all labels fetched anew, except those that are being worked on. */
export function forgetAll(except) {
  for (const index of [...labels.items.keys()]) if (index !== except.index) labels.drop(index);
}

/** Fetch ahead what will probably be asked for next; who asks for it hears of errors, nobody now. */
export function fetchAhead(indices, { withGuess = false } = {}) {
  for (const index of indices) {
    pictures.get(index).catch(() => {});
    const found = labels.get(index);
    found.then((known) => {
      if (withGuess && known.isEmpty && known.state === "todo") guesses.get(index).catch(() => {});
    }, () => {});
  }
}
