// Helpers for HTML elements. Text is always inserted as text, never as markup.

/**
 * Return an element of index.html.
 * @param {string} id
 * @returns {any} the element
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element "${id}"`);
  return element;
}

/**
 * Create an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children strings become text
 */
export function createElement(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Return whether a value from the server is an image data URI. Only these are shown.
 * @param {unknown} value
 */
export function isImageUri(value) {
  return typeof value === "string" && value.startsWith("data:image/");
}
