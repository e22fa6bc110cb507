// Occlusion heat maps: orange where covering makes the class less likely, blue where it makes it more likely.
//
// The two colours can be distinguished with red-green colour blindness. They are painted on the image's own greys, so
// they look the same on a light and a dark page.

import { formatList, nameRegion } from "./text.js";

const LESS_LIKELY = [245, 150, 20], MORE_LIKELY = [60, 165, 240];
const MAX_OPACITY = 0.9; // of the colour over the image
const EXPONENT = 0.7; // below 1, so that weak areas are visible beside a strong one
const BRIGHTNESS = 0.8; // of the image, so that its white does not outshine the colours
const SECOND_REGION = 0.6; // of the strongest region, to be named beside it

/**
 * Paint a heat map over an image.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource} image the model input
 * @param {number[][]} attribution how much the class's log-odds drop if a pixel is covered; one row per row of the image
 */
export function paintHeatmap(canvas, image, attribution) {
  canvas.height = attribution.length;
  canvas.width = attribution[0].length;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const values = attribution.flat(), maximum = Math.max(...values.map(Math.abs), Number.MIN_VALUE);
  values.forEach((value, index) => {
    const pixel = pixels.data.subarray(4 * index, 4 * index + 3);
    const grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const opacity = MAX_OPACITY * (Math.abs(value) / maximum) ** EXPONENT, colour = value > 0 ? LESS_LIKELY : MORE_LIKELY;
    pixel.set(colour.map((channel) => (1 - opacity) * BRIGHTNESS * grey + opacity * channel));
  });
  context.putImageData(pixels, 0, 0);
}

/**
 * Name the regions with the largest attribution.
 * @param {number[][]} attribution
 * @returns {string} for example "upper right and middle"; "" if no area makes the class less likely when covered
 */
export function nameStrongestRegions(attribution) {
  const sums = new Map();
  attribution.forEach((row, y) => {
    row.forEach((value, x) => {
      const name = nameRegion((x + 0.5) / row.length, (y + 0.5) / attribution.length);
      sums.set(name, (sums.get(name) ?? 0) + Math.max(0, value));
    });
  });
  const [first, ...others] = [...sums].sort((a, b) => b[1] - a[1]);
  if (!first || first[1] <= 0) return "";
  const second = others.filter(([, sum]) => sum >= SECOND_REGION * first[1]).slice(0, 1);
  return formatList([first, ...second].map(([name]) => name), "and");
}
