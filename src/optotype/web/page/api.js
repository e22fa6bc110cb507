// Client of the server's HTTP API, and its errors.

/** An error response of the server. */
export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status
   * @param {string} message what happened and what to do
   * @param {number} retryAfter seconds after which a retry makes sense
   */
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return this.status === 429 || this.status === 503;
  }
}

/** The server does not respond. */
export class UnreachableError extends Error {}

/** The server of this page. */
export class Api {
  #token;

  /** @param {import("./token.js").Token} token */
  constructor(token) {
    this.#token = token;
  }

  /** Describe the model and the server's features. */
  model() {
    return this.#send("v1/model");
  }

  /** Return whether the server is running and ready. */
  async isReady() {
    return fetch("health/ready", { cache: "no-store" }).then((response) => response.ok, () => false);
  }

  /**
   * Predict the most probable classes of an image, and return the model input.
   * @param {Blob} body
   * @param {string} fit
   * @param {AbortSignal} signal
   */
  predict(body, fit, signal) {
    return this.#send("v1/predict", { body, signal, query: { fit, top: "10", input_image: "true" } });
  }

  /** Explain the prediction for an image. */
  explain(body, fit, signal) {
    return this.#send("v1/explain", { body, signal, query: { fit } });
  }

  /** Save an image under its true label. */
  correct(body, fit, label) {
    return this.#send("v1/corrections", { body, query: { fit, label } });
  }

  async #send(path, { body, query, signal } = {}) {
    const token = this.#token.text;
    const headers = new Headers();
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (body) headers.set("Content-Type", body.type.startsWith("image/") ? body.type : "image/unknown");
    const url = query ? `${path}?${new URLSearchParams(query)}` : path;
    const response = await fetchOrThrow(url, { method: body ? "POST" : "GET", body, headers, signal, cache: "no-store" });
    if (response.status === 401) {
      await this.#token.ask(token);
      return this.#send(path, { body, query, signal });
    }
    if (!response.ok) throw await readError(response);
    return response.json().catch((error) => { throw error.name === "AbortError" ? error : new UnreachableError(); });
  }
}

async function fetchOrThrow(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new UnreachableError();
  }
}

async function readError(response) {
  const problem = await response.json().catch(() => ({}));
  const message = typeof problem.detail === "string" ? problem.detail
    : `The server responded with status ${response.status} and no message. See the server's log.`;
  const retryAfter = Number(response.headers.get("Retry-After") ?? 1);
  return new ApiError(response.status, message, Number.isFinite(retryAfter) ? Math.min(Math.max(retryAfter, 0.2), 60) : 1);
}
