// The drawing: strokes that grow, can be undone and cleared, and become a PNG file. Who moves the pen is no matter here.

import { paintAll, paintTo } from "./ink.js";

const SIDE = 560; // pixels of the surface's longer side: 20 for each of MNIST's
const SENT = 280; // pixels of the longer side of the file, or twice the model's where that is more

/** The drawing on a canvas. */
export class Drawing {
  #canvas;
  #context;
  #changed;
  #strokes = [];
  #cleared = [];
  #shape = [28, 28];
  #width = SIDE / 14;
  #isDown = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed told after each change that somebody made
   */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#changed = changed;
    this.#resize();
  }

  /**
   * Take the proportions of a model's images, and a pen that suits them.
   * @param {number} height of the model's images
   * @param {number} width of them
   * @param {boolean} isDigit whether they are digits such as MNIST's, whose strokes are a tenth of their height
   */
  suit(height, width, isDigit) {
    this.#width = SIDE / (isDigit ? 14 : 28);
    if (this.#shape[0] === height && this.#shape[1] === width) return;
    this.#shape = [height, width];
    this.#resize();
  }

  get isEmpty() { return this.#strokes.length === 0; }
  get canUndo() { return this.#strokes.length + this.#cleared.length > 0; }
  get isDown() { return this.#isDown; }
  get size() { return { width: this.#canvas.width, height: this.#canvas.height }; }

  /** A copy of the strokes, to be given to `restore` one day. */
  get strokes() {
    return this.#strokes.map((stroke) => ({ ...stroke, points: [...stroke.points] }));
  }

  /** Put the pen down; what was cleared before cannot be had back then. */
  down(point) {
    this.#cleared = [];
    this.#isDown = true;
    this.#strokes.push({ width: this.#width, points: [] });
    this.move(point);
  }

  /** Move the pen while it is down. */
  move(point) {
    if (!this.#isDown) return;
    const stroke = this.#strokes.at(-1), last = stroke.points.at(-1);
    if (last && last.x === point.x && last.y === point.y) return;
    stroke.points.push(point);
    paintTo(this.#context, stroke, stroke.points.length - 1);
    this.#changed();
  }

  up() { this.#isDown = false; }

  /** Take the last stroke back, or the last clearing. */
  undo() {
    this.up();
    if (this.isEmpty) [this.#strokes, this.#cleared] = [this.#cleared, []];
    else this.#strokes.pop();
    this.#repaint();
    this.#changed();
  }

  clear() {
    this.up();
    this.#cleared = this.#strokes;
    this.#strokes = [];
    this.#repaint();
    this.#changed();
  }

  /** Show other strokes; nobody is told. */
  restore(strokes) {
    this.up();
    this.#cleared = [];
    this.#strokes = strokes.map((stroke) => ({ ...stroke, points: [...stroke.points] }));
    this.#repaint();
  }

  /**
   * Give the drawing as a file.
   * @returns {Promise<Blob>} a PNG file
   */
  png() {
    const { width, height } = this.size;
    const factor = Math.max(SENT, 2 * Math.max(...this.#shape)) / Math.max(width, height);
    const small = document.createElement("canvas");
    small.width = Math.round(width * factor);
    small.height = Math.round(height * factor);
    const context = small.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#canvas, 0, 0, small.width, small.height);
    return new Promise((done) => small.toBlob(done, "image/png"));
  }

  #resize() {
    const [height, width] = this.#shape, factor = SIDE / Math.max(height, width);
    this.#canvas.width = Math.round(width * factor);
    this.#canvas.height = Math.round(height * factor);
    this.#repaint();
  }

  #repaint() { paintAll(this.#context, this.#strokes); }
}
