// Probabilities as bars. Few classes stand in their own order so that bars do not jump; of many the likeliest are shown.

import { byId, made } from "./elements.js";
import { percent } from "./words.js";

const FEW = 10;

/**
 * Show no probability yet, for the classes of a model.
 * @param {string[]} names of all classes
 */
export function emptyBars(names) {
  fill(names.slice(0, FEW).map((label) => ({ label, probability: null })));
}

/**
 * Show probabilities.
 * @param {{label: string, probability: number}[]} top the likeliest classes, likeliest first
 * @param {string[]} names of all classes
 */
export function showBars(top, names) {
  const found = new Map(top.map((each) => [each.label, each]));
  // Two classes may not share a name, so each is found; should one be missing, the server's own order is shown.
  const isFew = names.length <= FEW && names.every((name) => found.has(name));
  fill(isFew ? names.map((name) => found.get(name)) : top, top[0]?.label);
}

function fill(rows, first) {
  const list = byId("bars");
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) list.append(bar());
  rows.forEach(({ label, probability }, index) => {
    const row = list.children[index], [name, track, number] = row.children;
    row.classList.toggle("is-first", label === first);
    write(name, label);
    write(number, probability === null ? "" : percent(probability));
    track.firstChild.style.transform = `scaleX(${probability ?? 0})`;
  });
}

function bar() {
  const track = made("span", { class: "track", "aria-hidden": "true" }, made("span", { class: "fill" }));
  return made("li", {}, made("span", { class: "name" }), track, made("span", { class: "number" }));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
