// Position of the image on the screen: scale and translation from its pixels to those of the stage.

const SMALLEST = 0.02;
const LARGEST = 60; // screen pixels per image pixel
const MARGIN = 12;

export class View {
  constructor() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.isFitted = true;
  }

  fit([width, height], stage) {
    const across = (stage.clientWidth - 2 * MARGIN) / width;
    const down = (stage.clientHeight - 2 * MARGIN) / height;
    this.scale = Math.max(SMALLEST, Math.min(across, down));
    this.x = (stage.clientWidth - width * this.scale) / 2;
    this.y = (stage.clientHeight - height * this.scale) / 2;
    this.isFitted = true;
  }

  /** Zoom by a factor so that the point of the image under (x, y) of the stage stays there. */
  zoomAt(x, y, factor) {
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = x - (x - this.x) * (scale / this.scale);
    this.y = y - (y - this.y) * (scale / this.scale);
    this.scale = scale;
    this.isFitted = false;
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
  }

  toImage(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  toStage({ x, y }) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }
}
