// Colour, shape and key of each keypoint. Sides differ in hue, lightness and shape, so that colour-blind people can
// distinguish them: left is blue and round, right is orange and square.

const LOOKS = {
  head_top: ["1", "#ffffff"],
  neck: ["2", "#d5d5d5"],
  right_shoulder: ["q", "#ffe08a"],
  right_elbow: ["a", "#ffc43d"],
  right_wrist: ["z", "#f5a300"],
  right_hip: ["e", "#ff9a5c"],
  right_knee: ["d", "#f26b21"],
  right_ankle: ["c", "#cf4a00"],
  left_shoulder: ["w", "#b8f1ff"],
  left_elbow: ["s", "#6fd6f7"],
  left_wrist: ["x", "#2bb3e6"],
  left_hip: ["r", "#9db8ff"],
  left_knee: ["f", "#6a8dff"],
  left_ankle: ["v", "#3d62f0"],
};
const OTHERS = { left: "#7cc7ef", right: "#f0b45a", middle: "#e0e0e0" };
export const SIDE_COLOURS = { left: "#56b4e9", right: "#e69f00", middle: "#f5f5f5" };

// The order in which a body is labelled: down from the head, one limb after another.
const ORDER = Object.keys(LOOKS);

export function sideOf(name) {
  const lowered = name.toLowerCase();
  return lowered.startsWith("left") ? "left" : lowered.startsWith("right") ? "right" : "middle";
}

/** The keypoints of a layout with name, words, side, colour and key, by their index. */
export function keypointsOf(layout) {
  return layout.names.map((name, index) => {
    const [key, colour] = LOOKS[name] ?? ["", OTHERS[sideOf(name)]];
    return { index, name, words: name.replaceAll("_", " "), side: sideOf(name), colour, key };
  });
}

/** Indices of a layout's keypoints in the order of labelling; others come last. */
export function labellingOrder(layout) {
  const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return layout.names.map((_, index) => index).sort((a, b) => rank(layout.names[a]) - rank(layout.names[b]) || a - b);
}

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
export function svg(tag, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The outline of a marker around 0, 0: a circle, a square or a diamond by its side. */
export function shapeOf(side, radius) {
  if (side === "left") return svg("circle", { r: radius });
  const half = side === "right" ? radius * 0.9 : radius * 0.95;
  const rotation = side === "middle" ? { transform: "rotate(45)" } : {};
  return svg("rect", { x: -half, y: -half, width: 2 * half, height: 2 * half, ...rotation });
}
