// Strokes as round lines: bright on black, as MNIST's are, through the middles between points so that they are smooth.

/**
 * A stroke: its width where the pressure is middling, and its points with their pressure, in the surface's pixels.
 * @typedef {{width: number, points: {x: number, y: number, pressure: number}[]}} Stroke
 */

/**
 * Paint the newest part of a stroke.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} index of the point that the part leads to
 */
export function paintTo(context, stroke, index) {
  const { points } = stroke, end = points[index];
  context.strokeStyle = "#fff";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = stroke.width * (0.5 + end.pressure);
  context.beginPath();
  if (index === 0) {
    context.moveTo(end.x, end.y);
  } else {
    const bend = points[index - 1];
    const from = index === 1 ? bend : middle(points[index - 2], bend), to = middle(bend, end);
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(bend.x, bend.y, to.x, to.y);
  }
  // To the very point, so that the ink is under the pen; the next part bends what is left of it.
  context.lineTo(end.x, end.y);
  context.stroke();
}

/**
 * Paint strokes on black.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 */
export function paintAll(context, strokes) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  for (const stroke of strokes) stroke.points.forEach((_, index) => paintTo(context, stroke, index));
}

function middle(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
