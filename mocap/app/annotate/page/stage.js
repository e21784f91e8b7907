// The image, with labels and bones drawn over it.

import { OCCLUDED, OPEN } from "./labels.js";
import { SIDE_COLOURS, shapeOf, sideOf, svg } from "./palette.js";

const RADIUS = 6.5;
const DARK = "#101215";

export class Stage {
  constructor(element, keypoints, edges) {
    this.element = element;
    this.overlay = element.querySelector("#overlay");
    this.keypoints = keypoints;
    this.edges = edges;
    this.showsLines = true;
    this.image = null;
    this.bones = svg("g", { class: "bones" });
    this.lines = svg("g", { class: "lines" });
    this.markers = svg("g", { class: "markers" });
    this.cross = this.makeCross();
    this.overlay.append(this.bones, this.lines, this.markers, this.cross);
    this.makeMarkers();
    this.makeLines();
  }

  makeMarkers() {
    this.drawn = this.keypoints.map(({ side, colour, words, index }) => {
      const group = svg("g", { "data-joint": index });
      const ring = svg("circle", { r: RADIUS + 5, class: "ring" });
      const outline = shapeOf(side, RADIUS + 1.5);
      const shape = shapeOf(side, RADIUS);
      outline.setAttribute("fill", DARK);
      shape.setAttribute("stroke", colour);
      const label = svg("text", { x: RADIUS + 8, y: 4 });
      label.textContent = words;
      group.append(ring, outline, shape, label);
      this.markers.append(group);
      return { group, shape, colour };
    });
  }

  makeLines() {
    this.drawnLines = this.edges.map(([a, b]) => {
      const sides = [this.keypoints[a].side, this.keypoints[b].side];
      const side = sides[0] === sides[1] ? sides[0] : sides.includes("middle") ? sides.find((s) => s !== "middle") : "middle";
      const under = svg("line", { stroke: DARK, "stroke-width": 5, "stroke-opacity": 0.6 });
      const over = svg("line", { stroke: SIDE_COLOURS[side], "stroke-width": 2.5 });
      this.lines.append(under, over);
      return { a, b, parts: [under, over] };
    });
  }

  makeCross() {
    const cross = svg("g", { class: "cross", visibility: "hidden" });
    for (const [stroke, width] of [[DARK, 4], ["#ffffff", 1.5]]) {
      cross.append(svg("path", { d: "M-16 0H-4M4 0H16M0-16V-4M0 4V16", stroke, "stroke-width": width }));
    }
    return cross;
  }

  setImage(image) {
    this.image?.remove();
    this.image = image;
    this.overlay.toggleAttribute("hidden", !image);
    if (!image) return;
    image.className = "image";
    this.element.prepend(image);
  }

  /** Draw the labels in a view. cross: position of the keyboard's cross in the image, or null. */
  draw(labels, view, { active, cross }) {
    if (this.image) {
      this.image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
      this.image.style.imageRendering = view.scale > 3 ? "pixelated" : "auto";
    }
    const positions = this.keypoints.map(({ index }) => {
      const position = labels.positionOf(index);
      return position && view.toStage(position);
    });
    this.drawBones(labels.bones, view);
    this.drawLines(positions);
    this.drawn.forEach((marker, joint) => this.drawMarker(marker, positions[joint], labels.points[joint], joint === active));
    this.cross.setAttribute("visibility", cross ? "visible" : "hidden");
    if (cross) {
      const { x, y } = view.toStage(cross);
      this.cross.setAttribute("transform", `translate(${x} ${y})`);
    }
  }

  drawMarker({ group, shape, colour }, position, { visibility }, isActive) {
    group.setAttribute("visibility", position ? "visible" : "hidden");
    if (!position) return;
    group.setAttribute("transform", `translate(${position.x} ${position.y})`);
    const kind = visibility === OCCLUDED ? "occluded" : visibility === OPEN ? "estimated" : "visible";
    group.setAttribute("class", `${kind}${isActive ? " active" : ""}`);
    shape.setAttribute("fill", kind === "visible" ? colour : "transparent");
  }

  drawLines(positions) {
    for (const { a, b, parts } of this.drawnLines) {
      const isShown = this.showsLines && positions[a] && positions[b];
      for (const line of parts) {
        line.setAttribute("visibility", isShown ? "visible" : "hidden");
        if (!isShown) continue;
        line.setAttribute("x1", positions[a].x);
        line.setAttribute("y1", positions[a].y);
        line.setAttribute("x2", positions[b].x);
        line.setAttribute("y2", positions[b].y);
      }
    }
  }

  drawBones(bones, view) {
    const lines = this.showsLines ? bones : [];
    while (this.bones.childElementCount > lines.length) this.bones.lastElementChild.remove();
    while (this.bones.childElementCount < lines.length) this.bones.append(svg("line"));
    lines.forEach(([name, [x1, y1, x2, y2]], i) => {
      const [a, b] = [view.toStage({ x: x1, y: y1 }), view.toStage({ x: x2, y: y2 })];
      const attributes = { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: SIDE_COLOURS[sideOf(name)] };
      for (const [key, value] of Object.entries(attributes)) this.bones.children[i].setAttribute(key, value);
    });
  }
}
