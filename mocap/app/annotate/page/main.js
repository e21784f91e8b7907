// Builds the page.

import { actionsOf, listKeys, makeButtons, performerOf } from "./actions.js";
import { Desk } from "./desk.js";
import { listenToKeys } from "./keyboard.js";
import { STATES } from "./labels.js";
import { Loupe } from "./loupe.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Saver } from "./saver.js";
import { readSet } from "./server.js";
import * as shelf from "./shelf.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const find = (selector) => document.querySelector(selector);
const element = find("#stage");

function showStatus(text, isBad) {
  find("#saved").textContent = text;
  find("#saved").classList.toggle("bad", isBad);
  if (isBad) find("#message").textContent = text;
}

function lightFilter() {
  return `brightness(${find("#brightness").value}%) contrast(${find("#contrast").value}%)`;
}

function showProgress({ set, count, isTake }) {
  const many = STATES.map((_, state) => set.states.filter((each) => each === state).length);
  find("#done").max = count;
  find("#done").value = many[2];
  const words = isTake ? `${many[2]} corrected` : `${many[2]} of ${count} done`;
  find("#count").textContent = many[1] ? `${words}, ${many[1]} doubtful` : words;
}

function showPosition(desk) {
  find("#number").value = desk.index;
  find("#number").max = desk.count - 1;
  find("#of").textContent = `of ${desk.count}`;
  find("#name").textContent = desk.set.names.length === 1 ? "" : desk.nameOf(desk.index);
  element.setAttribute("aria-label", `Image ${desk.nameOf(desk.index)}`);
}

function showHint(desk) {
  const { words, key } = desk.keypoints[desk.active];
  const asked = desk.isArmed ? `click: ${words}${key ? `  (${key.toUpperCase()})` : ""}` : "";
  const isWhole = desk.labels && desk.firstOpen() === null;
  const guessed = desk.labels?.isGuess && (isWhole ? "estimated: correct what is wrong, then Enter" : "estimated in part");
  find("#hint").textContent = [guessed, asked].filter(Boolean).join("; ");
  find("#hint").hidden = !desk.labels;
}

function wireHeader(desk) {
  find("#title").textContent = desk.set.title;
  document.title = `${desk.set.title} · mocap annotate`;
  find("#number").addEventListener("change", (event) => desk.go(Number(event.target.value)));
  find("#filter").addEventListener("change", (event) => {
    desk.filter = event.target.value;
    if (!desk.matches(desk.index)) desk.goBy(desk.step(1) === null ? -1 : 1);
  });
  if (desk.isTake) find("#filter").querySelector("option[value='2']").textContent = "corrected";
}

async function start() {
  const desk = new Desk(await readSet());
  const stage = new Stage(element, desk.keypoints, desk.set.layout.edges);
  const loupe = new Loupe(find("#loupe"), element);
  const strip = new Strip(desk, find("#strip"));
  const panel = new Panel(desk);

  function draw() {
    if (desk.labels) stage.draw(desk.labels, desk.view, desk);
  }

  function redraw({ isFitted = desk.view.isFitted } = {}) {
    if (isFitted && desk.labels) desk.view.fit(desk.labels.size, element);
    draw();
  }

  let isDue = false;

  /** Draw everything once, even if several things change at the same time. */
  function drawAll() {
    if (!isDue) queueMicrotask(drawNow);
    isDue = true;
  }

  function drawNow() {
    isDue = false;
    draw();
    if (desk.labels) panel.draw();
    strip.draw();
    showProgress(desk);
    showHint(desk);
  }

  const saver = new Saver(showStatus, (labels) => {
    desk.set.states[labels.index] = STATES.indexOf(labels.state);
    drawAll();
  });
  saver.listen(async (index) => {
    shelf.forget(index);
    const changed = await shelf.labelsOf(index);
    desk.set.states[index] = STATES.indexOf(changed.state);
    if (index === desk.index) desk.labels = changed;
    drawAll();
  });

  desk.addEventListener("image", () => {
    find("#message").textContent = "";
    stage.setImage(desk.image);
    if (desk.image) desk.image.style.filter = lightFilter();
    redraw();
    drawAll();
    showPosition(desk);
    desk.say(desk.nameOf(desk.index));
  });
  desk.addEventListener("changed", drawAll);
  desk.addEventListener("solved", () => panel.makeWorst());
  desk.addEventListener("viewed", draw);
  desk.addEventListener("chosen", () => {
    drawAll();
    queueMicrotask(() => panel.follow()); // after drawing, when its final width is known
  });
  desk.addEventListener("edited", ({ detail }) => saver.save(detail));
  desk.addEventListener("said", ({ detail }) => (find("#announced").textContent = detail));
  desk.addEventListener("trouble", ({ detail }) => (find("#message").textContent = detail));

  const middle = () => ({ x: element.clientWidth / 2, y: element.clientHeight / 2 });
  const showHelp = () => find("#help").showModal();
  const actions = actionsOf(desk, { middle, settled: () => saver.settle(), redraw, showHelp });
  const perform = performerOf(desk);
  makeButtons(actions, find("#tools"), perform);
  listKeys(actions, desk, find("#keys"));
  listenToKeys(desk, actions, { stage: element, perform });
  new Pointer(desk, stage, loupe, lightFilter);
  new ResizeObserver(() => redraw()).observe(element);
  for (const id of ["#brightness", "#contrast"]) {
    find(id).addEventListener("input", () => desk.image && (desk.image.style.filter = lightFilter()));
  }
  find("#lines").addEventListener("change", (event) => {
    stage.showsLines = event.target.checked;
    draw();
  });
  wireHeader(desk);
  const begun = desk.isTake ? desk.set.worst[0] : desk.set.states.findIndex((state) => state === 0);
  await desk.go(Math.max(0, begun ?? 0));
  element.focus();
}

start().catch((error) => (find("#message").textContent = `the page cannot start: ${error.message}`));
