// The icons of the tools, drawn on 24 by 24 units with a line 2 wide.

import { svg } from "./palette.js";

const PATHS = {
  undo: "M8 4 4 8l4 4M4 8h10a6 6 0 0 1 0 12H9",
  redo: "m16 4 4 4-4 4M20 8H10a6 6 0 0 0 0 12h5",
  zoomIn: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21M10.5 7.5v6M7.5 10.5h6",
  zoomOut: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21M7.5 10.5h6",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  occluded: "M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4M4 20 20 4",
  absent: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M6.5 17.5l11-11",
  remove: "M8 5h12v14H8l-5-7zM11 9.5l5 5M16 9.5l-5 5",
  swap: "M7 5 3 9l4 4M3 9h13M17 11l4 4-4 4M21 15H8",
  copy: "M9 9h11v11H9zM15 5V4H4v11h1",
  interpolate: "M5 17a2 2 0 1 0 0 4 2 2 0 0 0 0-4M19 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4M7 17l2-2M11 13l2-2M15 9l2-2",
  guess: "M11 4l1.8 5.2L18 11l-5.2 1.8L11 18l-1.8-5.2L4 11l5.2-1.8zM19 16v4M17 18h4",
};

/** The icon of a tool. */
export function iconOf(name) {
  const icon = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" });
  icon.append(svg("path", { d: PATHS[name] }));
  return icon;
}
