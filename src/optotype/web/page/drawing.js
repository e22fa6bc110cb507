// The drawing: strokes that can be undone and cleared, and that are encoded as a PNG file.

import { paintStrokes, paintStrokeTo } from "./strokes.js";

const CANVAS_SIDE = 560; // pixels of the canvas's longer side: 20 for each of MNIST's
const FILE_SIDE = 280; // pixels of the longer side of the file, or twice the model's input if that is larger

/** The drawing on a canvas. */
export class Drawing {
  #canvas;
  #context;
  #onChange;
  #strokes = [];
  #clearedStrokes = [];
  #inputShape = [28, 28];
  #strokeWidth = CANVAS_SIDE / 14;
  #isPenDown = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange called after each change by the user
   */
  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#onChange = onChange;
    this.#resize();
  }

  /**
   * Set the aspect ratio and the pen for a model.
   * @param {number} height of the model's input
   * @param {number} width of the model's input
   * @param {boolean} isDigitModel whether it classifies MNIST's digits, whose strokes are a tenth of their height
   */
  configure(height, width, isDigitModel) {
    this.#strokeWidth = CANVAS_SIDE / (isDigitModel ? 14 : 28);
    if (this.#inputShape[0] === height && this.#inputShape[1] === width) return;
    this.#inputShape = [height, width];
    this.#resize();
  }

  get isEmpty() { return this.#strokes.length === 0; }
  get canUndo() { return this.#strokes.length + this.#clearedStrokes.length > 0; }

  /** A copy of the strokes for `restore`. */
  get strokes() {
    return this.#strokes.map((stroke) => ({ ...stroke, points: [...stroke.points] }));
  }

  /** Start a stroke; strokes that were cleared before can no longer be restored. */
  startStroke(point) {
    this.#clearedStrokes = [];
    this.#isPenDown = true;
    this.#strokes.push({ width: this.#strokeWidth, points: [] });
    this.continueStroke(point);
  }

  /** Add a point to the stroke. */
  continueStroke(point) {
    if (!this.#isPenDown) return;
    const stroke = this.#strokes.at(-1), last = stroke.points.at(-1);
    if (last && last.x === point.x && last.y === point.y) return;
    stroke.points.push(point);
    paintStrokeTo(this.#context, stroke, stroke.points.length - 1);
    this.#onChange();
  }

  endStroke() { this.#isPenDown = false; }

  /** Undo the last stroke, or the last clearing. */
  undo() {
    this.endStroke();
    if (this.isEmpty) [this.#strokes, this.#clearedStrokes] = [this.#clearedStrokes, []];
    else this.#strokes.pop();
    this.#repaint();
    this.#onChange();
  }

  clear() {
    this.endStroke();
    this.#clearedStrokes = this.#strokes;
    this.#strokes = [];
    this.#repaint();
    this.#onChange();
  }

  /** Show other strokes, without calling `onChange`. */
  restore(strokes) {
    this.endStroke();
    this.#clearedStrokes = [];
    this.#strokes = strokes.map((stroke) => ({ ...stroke, points: [...stroke.points] }));
    this.#repaint();
  }

  /**
   * Encode the drawing.
   * @returns {Promise<Blob>} a PNG file
   */
  toPng() {
    const { width, height } = this.#canvas;
    const scale = Math.max(FILE_SIDE, 2 * Math.max(...this.#inputShape)) / Math.max(width, height);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#canvas, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  }

  #resize() {
    const [height, width] = this.#inputShape, scale = CANVAS_SIDE / Math.max(height, width);
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#repaint();
  }

  #repaint() { paintStrokes(this.#context, this.#strokes); }
}
