// Drawing with mouse, pen and finger. The style sheet's `touch-action: none` prevents scrolling with the finger.

/**
 * Set up drawing with pointers.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 */
export function setUpPointer(canvas, drawing) {
  let activePointer = null; // only one pointer draws: a second finger or the palm does not

  canvas.addEventListener("pointerdown", (event) => {
    if (activePointer !== null || !event.isPrimary || event.button !== 0) return;
    activePointer = event.pointerId;
    canvas.setPointerCapture(activePointer);
    drawing.startStroke(toPoint(event, canvas));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== activePointer) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const move of coalesced.length ? coalesced : [event]) drawing.continueStroke(toPoint(move, canvas));
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(type, (event) => {
      if (event.pointerId !== activePointer) return;
      activePointer = null;
      drawing.endStroke();
    });
  }
}

function toPoint(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) / box.width) * canvas.width,
    y: ((event.clientY - box.top) / box.height) * canvas.height,
    // Only pens measure pressure; mouse and finger count as medium pressure.
    pressure: event.pointerType === "pen" ? event.pressure : 0.5,
  };
}
