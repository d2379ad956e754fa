// Ask the node: its JSON interface and its stream of final blocks.

const REQUEST_MS_MAX = 10_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 10_000;

/** An answer other than success; `code` is the node's stable code, or `unreachable`. */
export class Problem extends Error {
  constructor(code, status, detail) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

/**
 * Fetches a JSON document.
 *
 * @param {string} path path and query
 * @throws {Problem} the node cannot be reached or refuses
 */
export async function get(path) {
  let response;
  try {
    const signal = AbortSignal.timeout(REQUEST_MS_MAX);
    response = await fetch(path, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    throw new Problem("unreachable", 0, String(error.message));
  }
  const body = parse(await response.text());
  if (response.ok) return body;
  throw new Problem(body.code ?? "internal", response.status, body.detail ?? body.title ?? "");
}

/** Reads JSON; whole numbers that a double cannot hold become BigInt where the browser can. */
function parse(text) {
  try {
    return JSON.parse(text, (_, value, context) => {
      const isLarge = typeof value === "number" && !Number.isSafeInteger(value);
      return isLarge && /^\d+$/.test(context?.source) ? BigInt(context.source) : value;
    });
  } catch {
    return {};
  }
}

/** Like {@link get}; null where the node has no such thing. */
export async function find(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error.status === 404 || error.status === 400) return null;
    throw error;
  }
}

/** Follows the chain; reconnects by itself, from the block after the last one seen. */
export class BlockStream {
  /**
   * @param {number} from first height wanted
   * @param {(block: object) => void} onBlock
   * @param {(connected: boolean) => void} onState
   */
  constructor(from, onBlock, onState) {
    this.next = from;
    this.onBlock = onBlock;
    this.onState = onState;
    this.retryMs = RETRY_MS_MIN;
    this.open();
  }

  /** Ends the connection for good. */
  close() {
    this.closed = true;
    this.source.close();
  }

  open() {
    if (this.closed) return;
    const source = new EventSource(`/v1/stream?from=${this.next}`);
    this.source = source;
    source.addEventListener("open", () => {
      this.retryMs = RETRY_MS_MIN;
      this.onState(true);
    });
    source.addEventListener("block", (event) => {
      const block = JSON.parse(event.data);
      if (block.height < this.next) return;
      this.next = block.height + 1;
      this.onBlock(block);
    });
    // The browser's own retry would ask for `from` again and knows no longest pause.
    source.addEventListener("error", () => {
      source.close();
      this.onState(false);
      setTimeout(() => this.open(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
    });
  }
}
