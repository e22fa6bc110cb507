// A picture that was given, shown in the place of the drawing.

import { byId, isPicture } from "./elements.js";

const TINY = 64;

/**
 * Say how large a picture is.
 * @param {Blob} blob
 * @returns {Promise<{width: number, height: number}>} zeros where this browser cannot read it; the server may
 */
export async function sizeOf(blob) {
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return { width: 0, height: 0 };
  }
}

/**
 * Show a picture.
 * @param {Blob} blob
 * @param {string} name of the file
 * @param {string|null} seen what the model saw of it, shown where this browser cannot read the file
 */
export function showPhoto(blob, name, seen) {
  const image = byId("photo");
  release(image);
  image.onerror = () => {
    release(image);
    if (isPicture(seen)) image.src = seen;
  };
  // The pixels of a picture that has few are worth seeing.
  image.onload = () => image.classList.toggle("is-tiny", image.naturalWidth <= TINY);
  image.src = URL.createObjectURL(blob);
  image.alt = name ? `The picture ${name}` : "The picture that was given";
  image.hidden = false;
}

/** Show no picture: the drawing is there. */
export function emptyPhoto() {
  const image = byId("photo");
  release(image);
  image.hidden = true;
  image.removeAttribute("src");
  image.alt = "";
}

function release(image) {
  image.onerror = null;
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
}
