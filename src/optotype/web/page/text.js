// Formatting of numbers, lists and positions.

const NO_BREAK_SPACE = "\u00a0";

/**
 * Format a probability without claiming certainty: "98.2 %", "99.96 %", ">99.99 %", "<0.01 %".
 * It has two decimals near 0 and 1, otherwise one.
 * @param {number} probability in 0 .. 1
 */
export function formatProbability(probability) {
  const isExtreme = probability > 0.999 || probability < 0.001;
  const text = (100 * probability).toFixed(isExtreme ? 2 : 1);
  // No network is certain, so a value that rounds to 100 % or 0 % is shown as a bound.
  if (text === "100.00") return `>99.99${NO_BREAK_SPACE}%`;
  if (text === "0.00") return `<0.01${NO_BREAK_SPACE}%`;
  return `${text}${NO_BREAK_SPACE}%`;
}

/**
 * Format a measured proportion as in optotype's reports: "99.14 %", and "100.00 %" only if it is exactly 1.
 * @param {number} proportion in 0 .. 1
 */
export function formatProportion(proportion) {
  const text = (100 * proportion).toFixed(2);
  if (text === "100.00" && proportion < 1) return `>99.99${NO_BREAK_SPACE}%`;
  if (text === "0.00" && proportion > 0) return `<0.01${NO_BREAK_SPACE}%`;
  return `${text}${NO_BREAK_SPACE}%`;
}

/**
 * Format a list: "4", "4 or 9", "4, 7 or 9".
 * @param {string[]} items
 * @param {string} conjunction the word before the last item
 */
export function formatList(items, conjunction = "or") {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${conjunction} ${items.at(-1)}`;
}

/**
 * Format a whole number: "55,000".
 * @param {number} n
 */
export function formatCount(n) {
  return n.toLocaleString("en");
}

/**
 * Name the region of an image that contains a point: "upper left", "middle".
 * @param {number} x in 0 .. 1
 * @param {number} y in 0 .. 1, downwards
 */
export function nameRegion(x, y) {
  const names = [["upper left", "top", "upper right"], ["left", "middle", "right"], ["lower left", "bottom", "lower right"]];
  const third = (value) => Math.min(2, Math.max(0, Math.floor(3 * value)));
  return names[third(y)][third(x)];
}
