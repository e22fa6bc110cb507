// The explanation: the model input, the occlusion map, and similar training images.

import { byId, createElement, isImageUri } from "./elements.js";
import { nameStrongestRegions, paintHeatmap } from "./heatmap.js";

const WAITING = "Appears when you stop drawing.";

let version = 0; // images are decoded asynchronously, and only the newest explanation is shown

/**
 * Show the model input.
 * @param {string|null} inputImage
 * @param {number[]} shape of the model's input: height, width, channels
 */
export function showInputImage(inputImage, [height, width, channels]) {
  const image = byId("input-image");
  image.hidden = !isImageUri(inputImage);
  if (image.hidden) return;
  image.src = inputImage;
  image.alt = `The model input, ${width} by ${height} pixels`;
  byId("input-size").textContent = `${width} × ${height} pixels${channels === 1 ? ", greyscale" : ""}`;
}

/** Fade an explanation that no longer belongs to the image. */
export function markExplanationStale() {
  version += 1;
  byId("explanation").classList.add("is-stale");
}

/** Show that there is no image to explain. */
export function clearExplanation() {
  version += 1;
  byId("explanation").classList.remove("is-stale");
  byId("input-image").hidden = true;
  byId("input-size").textContent = "";
  hideHeatmap(WAITING);
  showNeighbours([], WAITING);
}

/**
 * Show an explanation.
 * @param {any} explanation the response of /v1/explain
 */
export async function showExplanation({ prediction, occlusion, neighbours }) {
  version += 1;
  const ownVersion = version;
  byId("explanation").classList.remove("is-stale");
  showNeighbours(neighbours?.images ?? [], neighbours?.note ?? "");
  if (!occlusion || !isImageUri(prediction.input_image)) {
    hideHeatmap("The server sent no occlusion map.");
    return;
  }
  const image = new Image();
  image.src = prediction.input_image;
  await image.decode();
  if (ownVersion !== version) return;
  paintHeatmap(byId("heatmap"), image, occlusion.attribution);
  const regions = nameStrongestRegions(occlusion.attribution);
  byId("heatmap").setAttribute("aria-label", regions
    ? `Heat map. Strongest evidence for “${occlusion.label}”: ${regions}.` : "Heat map without a strongest area.");
  byId("heatmap-regions").textContent = regions ? `Strongest evidence: ${regions}` : "No single area matters.";
  for (const name of document.querySelectorAll("#legend .class-name")) name.textContent = `“${occlusion.label}”`;
  byId("legend").hidden = false;
}

/** Show why there is no explanation. */
export function showExplanationError(message) {
  byId("explanation").classList.remove("is-stale");
  hideHeatmap(message);
  showNeighbours([], "");
}

function hideHeatmap(message) {
  const canvas = byId("heatmap");
  canvas.width = 1;
  canvas.height = 1;
  canvas.setAttribute("aria-label", "No heat map");
  byId("heatmap-regions").textContent = message;
  byId("legend").hidden = true;
}

function showNeighbours(images, note) {
  byId("neighbours").replaceChildren(...images.filter(({ image }) => isImageUri(image)).map(createNeighbour));
  byId("neighbours-note").textContent = note || (images.length ? "Most similar first, with class and distance." : "");
}

function createNeighbour({ image, label, distance, file }) {
  const thumbnail = createElement("img", { src: image, alt: `Training image of class ${label}` });
  const item = createElement("li", {}, thumbnail, createElement("b", {}, label), createElement("span", { class: "muted" }, distance.toFixed(2)));
  if (file) item.title = file;
  return item;
}
