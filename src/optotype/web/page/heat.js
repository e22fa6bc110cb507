// What matters in a picture, as colours over it: orange where covering makes the class less likely, blue where more.
//
// The colours are told apart by people who see red and green alike, and lie on the picture's own greys, so they are the
// same on a light and a dark page.

import { joined, region } from "./words.js";

const FOR = [245, 150, 20], AGAINST = [60, 165, 240];
const STRONGEST = 0.9; // of the colour, over the picture
const LIFT = 0.7; // exponent, so that weak parts are seen beside one strong one
const DIM = 0.8; // of the picture's brightness, so that its white does not outshine the colours
const ALSO = 0.6; // of the strongest region, to be named beside it

/**
 * Paint a heat map over a picture.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource} picture as the model sees it
 * @param {number[][]} drops how much less likely the class gets where a pixel is covered; a row for each of the picture's
 */
export function paintHeat(canvas, picture, drops) {
  canvas.height = drops.length;
  canvas.width = drops[0].length;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const values = drops.flat(), most = Math.max(...values.map(Math.abs), Number.MIN_VALUE);
  values.forEach((value, index) => {
    const pixel = image.data.subarray(4 * index, 4 * index + 3);
    const grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const share = STRONGEST * (Math.abs(value) / most) ** LIFT, colour = value > 0 ? FOR : AGAINST;
    pixel.set(colour.map((part) => (1 - share) * DIM * grey + share * part));
  });
  context.putImageData(image, 0, 0);
}

/**
 * Say in words where a heat map is strongest.
 * @param {number[][]} drops
 * @returns {string} such as "upper right and middle"; "" where covering nothing makes the class less likely
 */
export function strongest(drops) {
  const sums = new Map();
  drops.forEach((row, y) => row.forEach((value, x) => {
    const name = region((x + 0.5) / row.length, (y + 0.5) / drops.length);
    sums.set(name, (sums.get(name) ?? 0) + Math.max(0, value));
  }));
  const [first, ...others] = [...sums].sort((a, b) => b[1] - a[1]);
  if (!first || first[1] <= 0) return "";
  return joined([first, ...others.filter(([, sum]) => sum >= ALSO * first[1]).slice(0, 1)].map(([name]) => name), "and");
}
