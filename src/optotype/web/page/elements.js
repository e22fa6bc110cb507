// The page's elements: found by id, or made. Text only ever becomes text, never markup.

/**
 * Find an element of index.html.
 * @param {string} id
 * @returns {any} the element, of whatever kind it is
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element "${id}"`);
  return found;
}

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children strings become text
 */
export function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Say whether what the server calls a picture is one that lies in the answer itself.
 * @param {unknown} source
 */
export function isPicture(source) {
  return typeof source === "string" && source.startsWith("data:image/");
}
