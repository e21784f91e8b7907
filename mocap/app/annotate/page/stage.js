// The picture with everything drawn over it.

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
    this.picture = null;
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

  setPicture(picture) {
    this.picture?.remove();
    this.picture = picture;
    this.overlay.toggleAttribute("hidden", !picture);
    if (!picture) return;
    picture.className = "picture";
    this.element.prepend(picture);
  }

  /** Draw the labels at a view. cross: where the keyboard's cross is in the picture, or null. */
  draw(labels, view, { active, cross }) {
    if (this.picture) {
      this.picture.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
      this.picture.style.imageRendering = view.scale > 3 ? "pixelated" : "auto";
    }
    const places = this.keypoints.map(({ index }) => {
      const place = labels.placeOf(index);
      return place && view.toStage(place);
    });
    this.drawBones(labels.bones, view);
    this.drawLines(places);
    this.drawn.forEach((marker, joint) => this.drawMarker(marker, places[joint], labels.points[joint], joint === active));
    this.cross.setAttribute("visibility", cross ? "visible" : "hidden");
    if (cross) {
      const { x, y } = view.toStage(cross);
      this.cross.setAttribute("transform", `translate(${x} ${y})`);
    }
  }

  drawMarker({ group, shape, colour }, place, { visibility }, isActive) {
    group.setAttribute("visibility", place ? "visible" : "hidden");
    if (!place) return;
    group.setAttribute("transform", `translate(${place.x} ${place.y})`);
    const kind = visibility === OCCLUDED ? "occluded" : visibility === OPEN ? "seen" : "visible";
    group.setAttribute("class", `${kind}${isActive ? " active" : ""}`);
    shape.setAttribute("fill", kind === "visible" ? colour : "transparent");
  }

  drawLines(places) {
    for (const { a, b, parts } of this.drawnLines) {
      const isShown = this.showsLines && places[a] && places[b];
      for (const line of parts) {
        line.setAttribute("visibility", isShown ? "visible" : "hidden");
        if (!isShown) continue;
        line.setAttribute("x1", places[a].x);
        line.setAttribute("y1", places[a].y);
        line.setAttribute("x2", places[b].x);
        line.setAttribute("y2", places[b].y);
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
