// Drawing with the keyboard: arrows move a pen, space puts it down. Keys count only while the surface has the focus.

import { say } from "./notices.js";
import { region } from "./words.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEPS = 28, FINE = 112; // steps across the surface

/**
 * Let keys draw.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} cursor where the pen is
 * @param {import("./drawing.js").Drawing} drawing
 */
export function drawByKeyboard(canvas, cursor, drawing) {
  const held = new Set();
  const pen = { x: 0.5, y: 0.25 };
  let isDown = false, said = "";

  const point = () => ({ x: pen.x * canvas.width, y: pen.y * canvas.height, pressure: 0.5 });
  const show = () => {
    cursor.hidden = false;
    cursor.classList.toggle("is-down", isDown);
    cursor.style.left = `${100 * pen.x}%`;
    cursor.style.top = `${100 * pen.y}%`;
  };
  const lift = () => {
    if (isDown) drawing.up();
    isDown = false;
  };
  const tell = (text) => { if (text !== said) say((said = text)); };

  const move = (steps) => {
    let dx = 0, dy = 0;
    for (const key of held) { dx += ARROWS[key][0]; dy += ARROWS[key][1]; }
    pen.x = Math.min(1, Math.max(0, pen.x + dx / steps));
    pen.y = Math.min(1, Math.max(0, pen.y + dy / steps));
    if (isDown) drawing.move(point());
    tell(region(pen.x, pen.y));
  };
  const toggle = () => {
    if (isDown) lift();
    else { drawing.down(point()); isDown = true; }
    tell(`Pen ${isDown ? "down" : "up"}, ${region(pen.x, pen.y)}`);
  };
  const undo = () => {
    lift();
    if (drawing.canUndo) { drawing.undo(); tell("Undone"); }
  };
  const clear = () => {
    lift();
    drawing.clear();
    tell("Cleared");
  };

  canvas.addEventListener("keydown", (event) => {
    const isUndo = event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isUndo) undo();
    else if (isPlain && event.key in ARROWS) { held.add(event.key); move(event.shiftKey ? FINE : STEPS); }
    else if (isPlain && event.key === " ") { if (!event.repeat) toggle(); }
    else if (isPlain && event.key === "Delete") clear();
    else return;
    event.preventDefault();
    show();
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", () => { held.clear(); lift(); cursor.hidden = true; });
  canvas.addEventListener("pointerdown", () => { lift(); cursor.hidden = true; });
}
