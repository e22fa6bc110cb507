// Numbers, lists and places as people read them.

const SPACE = "\u00a0";

/**
 * Say a probability without claiming certainty: "98.2 %", "99.96 %", ">99.99 %", "<0.01 %".
 * One decimal does where it is not near an end.
 * @param {number} share in 0 .. 1
 */
export function percent(share) {
  const near = share > 0.999 || share < 0.001;
  const text = (100 * share).toFixed(near ? 2 : 1);
  // No network is ever certain; what rounds to it is said to be near it.
  if (text === "100.00") return `>99.99${SPACE}%`;
  if (text === "0.00") return `<0.01${SPACE}%`;
  return `${text}${SPACE}%`;
}

/**
 * Say a share that was measured, as optotype's reports do: "99.14 %", and 100 % only where it is.
 * @param {number} share in 0 .. 1
 */
export function measured(share) {
  const text = (100 * share).toFixed(2);
  if (text === "100.00" && share < 1) return `>99.99${SPACE}%`;
  if (text === "0.00" && share > 0) return `<0.01${SPACE}%`;
  return `${text}${SPACE}%`;
}

/**
 * Join words: "4", "4 or 9", "4, 7 or 9".
 * @param {string[]} words
 * @param {string} last what stands before the last of them
 */
export function joined(words, last = "or") {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/**
 * Say a whole number: "55,000".
 * @param {number} n
 */
export function count(n) {
  return n.toLocaleString("en");
}

/**
 * Say where in a picture a point lies: "upper left", "middle".
 * @param {number} x in 0 .. 1
 * @param {number} y in 0 .. 1, downwards
 */
export function region(x, y) {
  const names = [["upper left", "top", "upper right"], ["left", "middle", "right"], ["lower left", "bottom", "lower right"]];
  const third = (value) => Math.min(2, Math.max(0, Math.floor(3 * value)));
  return names[third(y)][third(x)];
}
