// Every change goes to the disk at once; a window that is behind another one takes what that one wrote.

import * as server from "./server.js";

const AGAIN_MS = 2000;

export class Saver {
  /** told: called with a text and whether it is bad news. changed: called with labels after a save or a conflict. */
  constructor(told, changed) {
    this.told = told;
    this.changed = changed;
    this.waiting = new Map();
    this.sent = null; // the labels that are on their way: one at a time, so that changes arrive in their order
    this.channel = new BroadcastChannel(`annotate ${location.pathname}`);
    addEventListener("pagehide", () => this.sendLast());
    addEventListener("beforeunload", (event) => {
      if (this.waiting.size) event.preventDefault();
    });
  }

  /** heard: called with the index of a picture that another window changed. */
  listen(heard) {
    this.channel.addEventListener("message", ({ data }) => heard(data));
  }

  save(labels) {
    labels.isGuess = false;
    this.waiting.set(labels.index, labels);
    this.told("saving …", false);
    if (!this.sent) this.send();
  }

  async settle() {
    while (this.sent || this.waiting.size) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async send() {
    while (this.waiting.size) {
      const [index, labels] = this.waiting.entries().next().value;
      this.waiting.delete(index);
      this.sent = labels;
      try {
        const { revision } = await server.writeSample(index, labels.asJson());
        labels.revision = revision;
        this.channel.postMessage(index);
        this.changed(labels);
        if (!this.waiting.size) this.told("all saved", false);
      } catch (error) {
        this.fail(labels, error);
        if (error.status === undefined) break;
      }
    }
    this.sent = null;
  }

  fail(labels, error) {
    if (error.status === 409) {
      labels.remember(); // undo brings back what was overruled
      labels.take(error.answer.sample);
      this.told("changed in another window: its labels are shown, undo brings yours back", true);
      this.changed(labels);
    } else if (error.status === undefined) {
      this.waiting.set(labels.index, labels);
      this.told("not saved: the server is gone; start mocap annotate again", true);
      setTimeout(() => !this.sent && this.waiting.size && this.send(), AGAIN_MS);
    } else {
      this.told(`not saved: ${error.message}`, true);
    }
  }

  /** Send what waits, without hearing of it: a change of what is on its way follows that one's revision. */
  sendLast() {
    for (const [index, labels] of this.waiting) {
      const revision = labels.revision + (labels === this.sent ? 1 : 0);
      server.writeSample(index, { ...labels.asJson(), revision });
    }
  }
}
