// Why the model says what it says: what it sees, what matters in it, and which training images are like it.

import { byId, isPicture, made } from "./elements.js";
import { paintHeat, strongest } from "./heat.js";

let newest = 0; // pictures decode in their own time, and the last one given is the one to show

/**
 * Show the picture as the model sees it.
 * @param {string|null} seen
 * @param {number[]} shape of the model's images: height, width, channels
 */
export function showSeen(seen, [height, width, channels]) {
  const image = byId("seen");
  image.hidden = !isPicture(seen);
  if (image.hidden) return;
  image.src = seen;
  image.alt = `The picture as the model sees it, ${width} by ${height} pixels`;
  byId("seen-size").textContent = `${width} × ${height} pixels${channels === 1 ? ", grey" : ""}`;
}

/** Show that the reasons are those of an earlier state. */
export function staleReasons() {
  newest += 1;
  byId("reasons").classList.add("is-stale");
}

/** Show that there are no reasons yet. */
export function emptyReasons() {
  newest += 1;
  byId("reasons").classList.remove("is-stale");
  byId("seen").hidden = true;
  byId("seen-size").textContent = "";
  withoutHeat("Shown when you pause.");
  showSimilar([], "Shown when you pause.");
}

/**
 * Show an explanation.
 * @param {any} told what the server answered
 */
export async function showReasons({ prediction, occlusion, similar }) {
  const mine = (newest += 1);
  byId("reasons").classList.remove("is-stale");
  showSimilar(similar?.images ?? [], similar?.note ?? "");
  if (!occlusion || !isPicture(prediction.seen)) return withoutHeat("The server gave no heat map.");
  const picture = new Image();
  picture.src = prediction.seen;
  await picture.decode();
  if (mine !== newest) return;
  paintHeat(byId("heat"), picture, occlusion.drops);
  const place = strongest(occlusion.drops);
  byId("heat").setAttribute("aria-label", place ? `Heat map. Most important for “${occlusion.label}”: ${place}.` : "Heat map without a part that matters most.");
  byId("heat-words").textContent = place ? `most of all: ${place}` : "no part by itself";
  for (const name of document.querySelectorAll("#legend .of")) name.textContent = `“${occlusion.label}”`;
  byId("legend").hidden = false;
}

/** Say that there is no explanation, and why. */
export function noReasons(sentence) {
  byId("reasons").classList.remove("is-stale");
  withoutHeat(sentence);
  showSimilar([], "");
}

function withoutHeat(sentence) {
  const canvas = byId("heat");
  canvas.width = canvas.height = 1;
  canvas.setAttribute("aria-label", "No heat map");
  byId("heat-words").textContent = sentence;
  byId("legend").hidden = true;
}

function showSimilar(images, note) {
  byId("similar").replaceChildren(...images.filter((each) => isPicture(each.picture)).map(neighbour));
  byId("similar-note").textContent = note || (images.length ? "Nearest first, with their class and distance." : "");
}

function neighbour({ picture, label, distance, file }) {
  const image = made("img", { src: picture, alt: `Training image of class ${label}` });
  const item = made("li", {}, image, made("b", {}, label), made("span", { class: "faint" }, distance.toFixed(2)));
  if (file) item.title = file;
  return item;
}
