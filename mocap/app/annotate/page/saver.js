// Saves every change at once. If another window has saved a newer version, this window takes it over.

import * as server from "./server.js";

const AGAIN_MS = 2000;

export class Saver {
  /** report: called with a text and whether it is an error. changed: called with labels after a save or a conflict. */
  constructor(report, changed) {
    this.report = report;
    this.changed = changed;
    this.waiting = new Map();
    this.sent = null; // the labels that are being saved: one at a time, so that changes arrive in order
    this.channel = new BroadcastChannel(`annotate ${location.pathname}`);
    addEventListener("pagehide", () => this.sendLast());
    addEventListener("beforeunload", (event) => {
      if (this.waiting.size) event.preventDefault();
    });
  }

  /** heard: called with the index of an image that another window changed. */
  listen(heard) {
    this.channel.addEventListener("message", ({ data }) => heard(data));
  }

  save(labels) {
    labels.isGuess = false;
    this.waiting.set(labels.index, labels);
    this.report("saving …", false);
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
        if (!this.waiting.size) this.report("all saved", false);
      } catch (error) {
        this.fail(labels, error);
        if (error.status === undefined) break;
      }
    }
    this.sent = null;
  }

  fail(labels, error) {
    if (error.status === 409) {
      labels.remember(); // undo restores the rejected change
      labels.take(error.answer.sample);
      this.report("changed in another window: its labels are shown, undo brings yours back", true);
      this.changed(labels);
    } else if (error.status === undefined) {
      this.waiting.set(labels.index, labels);
      this.report("not saved: the server does not answer; start mocap annotate again", true);
      setTimeout(() => !this.sent && this.waiting.size && this.send(), AGAIN_MS);
    } else {
      this.report(`not saved: ${error.message}`, true);
    }
  }

  /** Send waiting changes without waiting for answers. A change to labels that are being saved has the next revision. */
  sendLast() {
    for (const [index, labels] of this.waiting) {
      const revision = labels.revision + (labels === this.sent ? 1 : 0);
      server.writeSample(index, { ...labels.asJson(), revision });
    }
  }
}
