// Drawing with the keyboard: arrow keys move the pen, Space lowers or lifts it, while the canvas has the focus.

import { announce } from "./banners.js";
import { nameRegion } from "./text.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEPS = 28, FINE_STEPS = 112; // steps across the canvas

/**
 * Set up drawing with the keyboard.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} cursor marks the pen's position
 * @param {import("./drawing.js").Drawing} drawing
 */
export function setUpKeyboard(canvas, cursor, drawing) {
  const pressedArrows = new Set();
  const pen = { x: 0.5, y: 0.25 };
  let isPenDown = false, lastAnnouncement = "";

  const penPoint = () => ({ x: pen.x * canvas.width, y: pen.y * canvas.height, pressure: 0.5 });
  const showCursor = () => {
    cursor.hidden = false;
    cursor.classList.toggle("is-down", isPenDown);
    cursor.style.left = `${100 * pen.x}%`;
    cursor.style.top = `${100 * pen.y}%`;
  };
  const liftPen = () => {
    if (isPenDown) drawing.endStroke();
    isPenDown = false;
  };
  const announceOnce = (text) => {
    if (text === lastAnnouncement) return;
    lastAnnouncement = text;
    announce(text);
  };

  const move = (steps) => {
    let dx = 0, dy = 0;
    for (const key of pressedArrows) { dx += ARROWS[key][0]; dy += ARROWS[key][1]; }
    pen.x = Math.min(1, Math.max(0, pen.x + dx / steps));
    pen.y = Math.min(1, Math.max(0, pen.y + dy / steps));
    if (isPenDown) drawing.continueStroke(penPoint());
    announceOnce(nameRegion(pen.x, pen.y));
  };
  const togglePen = () => {
    if (isPenDown) liftPen();
    else { drawing.startStroke(penPoint()); isPenDown = true; }
    announceOnce(`Pen ${isPenDown ? "down" : "up"}, ${nameRegion(pen.x, pen.y)}`);
  };
  const undo = () => {
    liftPen();
    if (drawing.canUndo) { drawing.undo(); announceOnce("Undone"); }
  };
  const clear = () => {
    liftPen();
    drawing.clear();
    announceOnce("Cleared");
  };

  canvas.addEventListener("keydown", (event) => {
    const isUndo = event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z");
    const hasNoModifier = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isUndo) undo();
    else if (hasNoModifier && event.key in ARROWS) { pressedArrows.add(event.key); move(event.shiftKey ? FINE_STEPS : STEPS); }
    else if (hasNoModifier && event.key === " ") { if (!event.repeat) togglePen(); }
    else if (hasNoModifier && event.key === "Delete") clear();
    else return;
    event.preventDefault();
    showCursor();
  });
  canvas.addEventListener("keyup", (event) => pressedArrows.delete(event.key));
  canvas.addEventListener("blur", () => { pressedArrows.clear(); liftPen(); cursor.hidden = true; });
  canvas.addEventListener("pointerdown", () => { liftPen(); cursor.hidden = true; });
}
