// Drawing with mouse, pen and finger. The style sheet's `touch-action: none` keeps a finger from scrolling.

/**
 * Let pointers draw.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 */
export function drawByPointer(canvas, drawing) {
  let drawer = null; // the pointer whose stroke it is; a second finger and a palm do not draw

  canvas.addEventListener("pointerdown", (event) => {
    if (drawer !== null || !event.isPrimary || event.button !== 0) return;
    drawer = event.pointerId;
    canvas.setPointerCapture(drawer);
    drawing.down(pointOf(event, canvas));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) drawing.move(pointOf(each, canvas));
  });
  for (const ending of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(ending, (event) => {
      if (event.pointerId !== drawer) return;
      drawer = null;
      drawing.up();
    });
  }
}

function pointOf(event, canvas) {
  const place = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - place.left) / place.width) * canvas.width,
    y: ((event.clientY - place.top) / place.height) * canvas.height,
    // Only a pen presses; for the others it is the middle.
    pressure: event.pointerType === "pen" ? event.pressure : 0.5,
  };
}
