// Painting of strokes: round white lines on black like MNIST's digits, smoothed through the midpoints between points.

/**
 * A stroke: its width at medium pressure, and its points with their pressure, in pixels of the canvas.
 * @typedef {{width: number, points: {x: number, y: number, pressure: number}[]}} Stroke
 */

/**
 * Paint the newest segment of a stroke.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} index of the segment's last point
 */
export function paintStrokeTo(context, stroke, index) {
  const { points } = stroke, end = points[index], width = stroke.width * (0.5 + end.pressure);
  context.beginPath();
  if (index === 0) {
    // A canvas does not paint lines of length zero, so a tap is a filled circle.
    context.fillStyle = "#fff";
    context.arc(end.x, end.y, width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.strokeStyle = "#fff";
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = width;
  const control = points[index - 1];
  const from = index === 1 ? control : midpoint(points[index - 2], control), to = midpoint(control, end);
  context.moveTo(from.x, from.y);
  context.quadraticCurveTo(control.x, control.y, to.x, to.y);
  // The line ends under the pen; the next segment replaces this straight part by a curve.
  context.lineTo(end.x, end.y);
  context.stroke();
}

/**
 * Paint strokes on a black background.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 */
export function paintStrokes(context, strokes) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  for (const stroke of strokes) stroke.points.forEach((_, index) => { paintStrokeTo(context, stroke, index); });
}

function midpoint(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
