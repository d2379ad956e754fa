/** Carry what a verification knows from its start: the suite, the trust, the checks so far. */

import { fromHex } from "./bytes.js";
import type { Suite } from "./hashing.js";
import { Refusal, type Step } from "./refusal.js";
import { Trust } from "./trust.js";

/** One verification under way. */
export class Context {
  /** What is believed. */
  readonly trust: Trust;
  /** Chain of the trust file. */
  readonly chainId: Uint8Array;
  readonly #steps: Step[] = [];

  constructor(trust: Trust) {
    this.trust = trust;
    this.chainId = fromHex(trust.chainId)!;
  }

  /** Suite of the chain. */
  get suite(): Suite {
    return this.trust.suite;
  }

  /** Checks that passed, in order. */
  get steps(): readonly Step[] {
    return [...this.#steps];
  }

  /** Note a check that passed. */
  passed(check: Step["check"], text: string): void {
    this.#steps.push(Object.freeze({ check, text }));
  }
}

/**
 * Verify something under a trust file; a refusal tells which checks had passed.
 *
 * @param trust The trust file's contents, or what {@link Trust.read} made of them.
 */
export function verifyUnder<T>(
  trust: string | Uint8Array | Trust,
  verify: (context: Context) => T,
): T {
  const context = new Context(trust instanceof Trust ? trust : Trust.read(trust));
  try {
    return verify(context);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.reason, error.message, context.steps);
  }
}
