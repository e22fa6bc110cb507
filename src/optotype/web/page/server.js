// What is asked of the server, and what can go wrong with it.

/** The server said no. */
export class Refused extends Error {
  /**
   * @param {number} status of HTTP
   * @param {string} sentence what happened and what to do, for people
   * @param {number} wait seconds after which to ask again
   */
  constructor(status, sentence, wait) {
    super(sentence);
    this.status = status;
    this.wait = wait;
  }

  /** Whether the same may be answered a little later. */
  get passes() {
    return this.status === 429 || this.status === 503;
  }
}

/** The server does not answer at all. */
export class Gone extends Error {}

/** The server that the page came from. */
export class Server {
  #token;

  /** @param {import("./token.js").Token} token */
  constructor(token) {
    this.#token = token;
  }

  /** What the model is, and what the server offers. */
  model() {
    return this.#send("v1/model");
  }

  /** Whether the server is there and ready. */
  async isReady() {
    return fetch("health/ready", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  }

  /**
   * The likeliest classes of a picture, and the picture as the model sees it.
   * @param {Blob} body
   * @param {string} fit
   * @param {AbortSignal} signal
   */
  async predict(body, fit, signal) {
    return this.#send("v1/predict", { body, signal, query: { fit, top: "10", seen: "true" } });
  }

  /** What in a picture matters, and which training images are like it. */
  explain(body, fit, signal) {
    return this.#send("v1/explain", { body, signal, query: { fit } });
  }

  /** Keep a picture with its right label. */
  correct(body, fit, label) {
    return this.#send("v1/corrections", { body, query: { fit, label } });
  }

  async #send(path, { body, query, signal } = {}) {
    const used = this.#token.text;
    const headers = new Headers();
    if (used) headers.set("Authorization", `Bearer ${used}`);
    if (body) headers.set("Content-Type", body.type.startsWith("image/") ? body.type : "image/unknown");
    const address = query ? `${path}?${new URLSearchParams(query)}` : path;
    const answer = await reach(address, { method: body ? "POST" : "GET", body, headers, signal, cache: "no-store" });
    if (answer.status === 401) {
      await this.#token.ask(used);
      return this.#send(path, { body, query, signal });
    }
    if (!answer.ok) throw await refusal(answer);
    return answer.json().catch((error) => { throw error.name === "AbortError" ? error : new Gone(); });
  }
}

async function reach(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Gone();
  }
}

async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  const sentence = typeof told.detail === "string" ? told.detail
    : `The server answered with ${answer.status}, and did not say why. Its log may tell.`;
  const wait = Number(answer.headers.get("Retry-After") ?? 1);
  return new Refused(answer.status, sentence, Number.isFinite(wait) ? Math.min(Math.max(wait, 0.2), 60) : 1);
}
