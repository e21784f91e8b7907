// The magnifier: shows the image under the finger or the dragged marker.

const SHOWN = 130; // CSS pixels of its side
const TIMES = 4; // against the stage
const AWAY = 30; // from the pointer

export class Loupe {
  constructor(canvas, stage) {
    this.canvas = canvas;
    this.stage = stage;
    this.context = canvas.getContext("2d");
  }

  /** Show the surroundings of a point of the image, above the pointer at (x, y) of the stage. */
  show(image, position, view, { x, y }, filter) {
    const { canvas, context } = this;
    const side = canvas.width;
    const span = SHOWN / (view.scale * TIMES); // of the image, pixels
    context.imageSmoothingEnabled = view.scale * TIMES < 6;
    context.fillStyle = "#000";
    context.fillRect(0, 0, side, side);
    context.filter = filter;
    context.drawImage(image, position.x - span / 2, position.y - span / 2, span, span, 0, 0, side, side);
    context.filter = "none";
    for (const [colour, width] of [["#000", 5], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [a, b] of [[0, 0.42], [0.58, 1]]) {
        context.moveTo(a * side, side / 2);
        context.lineTo(b * side, side / 2);
        context.moveTo(side / 2, a * side);
        context.lineTo(side / 2, b * side);
      }
      context.stroke();
    }
    const left = Math.min(Math.max(4, x - SHOWN / 2), this.stage.clientWidth - SHOWN - 4);
    const above = y - SHOWN - AWAY;
    canvas.style.left = `${left}px`;
    canvas.style.top = `${above > 4 ? above : y + AWAY}px`;
    canvas.hidden = false;
  }

  hide() {
    this.canvas.hidden = true;
  }
}
