// The uploaded image, shown instead of the drawing.

import { byId, isImageUri } from "./elements.js";

const MAX_PIXELATED_WIDTH = 64; // up to this width individual pixels are shown

/**
 * Read the size of an image file.
 * @param {Blob} blob
 * @returns {Promise<{width: number, height: number}>} zeros if this browser cannot read it; the server may
 */
export async function readImageSize(blob) {
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
 * Show an image file.
 * @param {Blob} blob
 * @param {string} name of the file
 * @param {string|null} inputImage the model input, shown if this browser cannot read the file
 */
export function showUploadedImage(blob, name, inputImage) {
  const image = byId("uploaded-image");
  releaseUrl(image);
  image.onerror = () => {
    releaseUrl(image);
    if (isImageUri(inputImage)) image.src = inputImage;
  };
  image.onload = () => image.classList.toggle("is-pixelated", image.naturalWidth <= MAX_PIXELATED_WIDTH);
  image.src = URL.createObjectURL(blob);
  image.alt = name ? `The image ${name}` : "The uploaded image";
  image.hidden = false;
}

/** Hide the uploaded image; the drawing is visible again. */
export function hideUploadedImage() {
  const image = byId("uploaded-image");
  releaseUrl(image);
  image.hidden = true;
  image.removeAttribute("src");
  image.alt = "";
}

function releaseUrl(image) {
  image.onerror = null;
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
}
