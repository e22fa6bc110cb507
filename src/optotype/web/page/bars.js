// Probabilities as bars. Up to ten classes keep their order, so that bars do not move; of more the ten most probable are
// shown.

import { byId, createElement } from "./elements.js";
import { formatProbability } from "./text.js";

const MAX_BARS = 10;

/**
 * Show empty bars for the classes of a model.
 * @param {string[]} classNames
 */
export function clearBars(classNames) {
  updateBars(classNames.slice(0, MAX_BARS).map((label) => ({ label, probability: null })));
}

/**
 * Show probabilities.
 * @param {{label: string, probability: number}[]} top the most probable classes, most probable first
 * @param {string[]} classNames all classes
 */
export function showBars(top, classNames) {
  const byLabel = new Map(top.map((entry) => [entry.label, entry]));
  // Class names are unique. If one is missing, the server's order is shown.
  const keepsOrder = classNames.length <= MAX_BARS && classNames.every((name) => byLabel.has(name));
  updateBars(keepsOrder ? classNames.map((name) => byLabel.get(name)) : top, top[0]?.label);
}

function updateBars(entries, topLabel) {
  const list = byId("bars");
  while (list.children.length > entries.length) list.lastChild.remove();
  while (list.children.length < entries.length) list.append(createBar());
  entries.forEach(({ label, probability }, index) => {
    const bar = list.children[index], [name, track, number] = bar.children;
    bar.classList.toggle("is-top", label === topLabel);
    setText(name, label);
    setText(number, probability === null ? "" : formatProbability(probability));
    track.firstChild.style.transform = `scaleX(${probability ?? 0})`;
  });
}

function createBar() {
  const track = createElement("span", { class: "track", "aria-hidden": "true" }, createElement("span", { class: "fill" }));
  return createElement("li", {}, createElement("span", { class: "name" }), track, createElement("span", { class: "number" }));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
