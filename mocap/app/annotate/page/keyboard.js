// The keyboard: letters choose keypoints, arrows move them, all other keys are actions.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The name of a key press, as in the table of actions. */
function nameOf(event) {
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) return `Ctrl+${event.shiftKey ? "Shift+" : ""}${letter}`;
  return letter;
}

const isTyping = (element) => element.matches("input:not([type=range]):not([type=checkbox]), textarea");
const needsItself = (element, key) =>
  element.matches("button, select, input, [role=slider]") &&
  (key === "Enter" || key === " " || key in ARROWS || key.startsWith("Page"));

export function listenToKeys(desk, actions, { stage, perform }) {
  const joints = new Map(desk.keypoints.filter(({ key }) => key).map(({ key, index }) => [key, index]));
  const byKey = new Map(Object.values(actions).flatMap((action) => action.keys.map((key) => [key, action])));

  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    if (needsItself(event.target, event.key)) return;
    if (onStage(event) || onAnything(event)) event.preventDefault();
  });

  /** Keys that have another meaning when a button or the list has the focus. */
  function onStage(event) {
    if (!desk.labels) return false;
    if (document.activeElement !== stage && document.activeElement !== document.body) return false;
    if (event.key === "Tab" && document.activeElement === stage) {
      desk.chooseNext(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      document.querySelector("aside section:not([hidden]) button").focus();
    } else if (event.key in ARROWS) {
      const step = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
      desk.nudge(...ARROWS[event.key].map((part) => part * step));
    } else if (event.key === " ") {
      desk.placeAtCross();
    } else {
      return false;
    }
    return true;
  }

  function onAnything(event) {
    if (event.altKey) return false;
    const name = nameOf(event);
    if (byKey.has(name)) {
      perform(byKey.get(name));
    } else if (joints.has(name) && desk.labels) {
      desk.choose(joints.get(name));
      stage.focus();
      desk.sayActive();
    } else {
      return false;
    }
    return true;
  }
}
