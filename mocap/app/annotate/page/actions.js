// One table of all actions with a button or a key; tools, keyboard and the list of keys are made from it.

import { iconOf } from "./icons.js";
import { ABSENT, OPEN } from "./labels.js";

const ZOOM = 1.3;

/** The actions by name: text, keys and function. */
export function actionsOf(desk, { middle, settled, redraw, showHelp }) {
  const zoom = (factor) => desk.zoom(factor, middle());
  return {
    undo: { words: "Undo", keys: ["Ctrl+z"], run: () => desk.undo() },
    redo: { words: "Redo", keys: ["Ctrl+y", "Ctrl+Shift+z"], run: () => desk.redo() },
    zoomIn: { words: "Zoom in", keys: ["+", "="], run: () => zoom(ZOOM) },
    zoomOut: { words: "Zoom out", keys: ["-"], run: () => zoom(1 / ZOOM) },
    fit: { words: "Whole image", keys: ["0"], run: () => redraw({ isFitted: true }) },
    occluded: { words: "Occluded or visible", keys: ["o"], run: () => desk.toggleOccluded() },
    absent: { words: "Not in the image", keys: ["n"], run: () => desk.setVisibility(ABSENT) },
    remove: { words: "Remove the keypoint", keys: ["Delete", "Backspace"], run: () => desk.setVisibility(OPEN) },
    swap: { words: "Swap sides", keys: ["t"], run: () => desk.swapSides() },
    copy: { words: "Copy from the previous", keys: ["p"], run: () => desk.copyPrevious() },
    interpolate: { words: "Interpolate up to here", keys: ["i"], run: () => desk.interpolate(settled) },
    ...(desk.set.can_guess && {
      guess: { words: "Estimate with the network", keys: ["m"], run: () => desk.guess() },
    }),
    ...(desk.isTake
      ? {
          finish: { words: "Next of the worst frames", keys: ["Enter"], run: () => desk.goToNextWorst() },
          solve: { words: "Apply the corrections to the motion", keys: ["b"], run: () => desk.solve(settled) },
        }
      : {
          finish: { words: "Done, next image", keys: ["Enter"], run: () => desk.finish() },
          doubtful: { words: "Doubtful", keys: ["k"], run: () => desk.setState("doubtful") },
        }),
    previous: { words: "Previous image", keys: ["PageUp", ","], run: () => desk.goBy(-1), needsNothing: true },
    next: { words: "Next image", keys: ["PageDown", "."], run: () => desk.goBy(1), needsNothing: true },
    help: { words: "This list", keys: ["?"], run: showHelp, needsNothing: true },
  };
}

/** Run an action, unless it needs an image and none is shown. */
export function performerOf(desk) {
  return (action) => {
    if (desk.labels || action.needsNothing) action.run();
  };
}

const TOOLS = [
  ["undo", "redo"],
  ["zoomIn", "zoomOut", "fit"],
  ["occluded", "absent", "remove"],
  ["swap", "copy", "interpolate", "guess"],
];

/** Fill the tool bar and give the page's other buttons their actions. */
export function makeButtons(actions, bar, perform) {
  for (const group of TOOLS) {
    const box = document.createElement("div");
    for (const name of group.filter((each) => actions[each])) {
      const { words, keys } = actions[name];
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.action = name;
      button.append(iconOf(name));
      button.setAttribute("aria-label", words);
      button.title = `${words} (${keys[0]})`;
      box.append(button);
    }
    bar.append(box);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (button) perform(actions[button.dataset.action]);
  });
}

const nameOf = (key) => key.replace(/\b[a-z]$/, (letter) => letter.toUpperCase());
const OTHER_KEYS = [
  ["arrows", "move it by 1 pixel; Shift 10, Alt 0.1"],
  ["Space", "place it at the cross, or at the take's estimate"],
  ["Tab, Shift+Tab", "next keypoint, the one before"],
  ["Esc", "leave the image for the buttons"],
  ["wheel, pinch", "zoom at the cursor"],
  ["drag", "a marker, or the image"],
];

/** Fill the list of keys. */
export function listKeys(actions, { keypoints, order }, list) {
  const ordered = order.map((joint) => keypoints[joint]);
  const rows = [
    ...ordered.filter(({ key }) => key).map(({ key, words }) => [key.toUpperCase(), words]),
    ...OTHER_KEYS,
    ...Object.values(actions).map(({ keys, words }) => [keys.map(nameOf).join(" or "), words]),
  ];
  for (const [key, words] of rows) {
    const row = document.createElement("p");
    const shown = document.createElement("kbd");
    shown.textContent = key;
    row.append(shown, ` ${words}`);
    list.append(row);
  }
}
