/** Hash with SM3 (GB/T 32905-2016). */

import { HashMD } from "@noble/hashes/_md.js";

/** Initial value (GB/T 32905-2016, section 4.1). */
const START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
] as const;

/** Constants of the first 16 rounds and of the others (GB/T 32905-2016, section 4.2). */
const [EARLY, LATE] = [0x79cc4519, 0x7a879d8a] as const;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
/** Permutation P0 (GB/T 32905-2016, section 4.4). */
const p0 = (word: number): number => word ^ rotate(word, 9) ^ rotate(word, 17);
/** Permutation P1 (GB/T 32905-2016, section 4.4). */
const p1 = (word: number): number => word ^ rotate(word, 15) ^ rotate(word, 23);

/** Extended message of one block (GB/T 32905-2016, section 5.3.2); every use fills it anew. */
const WORDS = new Int32Array(68);

/** The function in progress; padding and length are those of SHA-256, which the class brings. */
class Sm3 extends HashMD<Sm3> {
  readonly #state = Int32Array.from(START);

  constructor() {
    super(64, 32, 8, false);
  }

  protected get(): number[] {
    return [...this.#state];
  }

  protected set(...words: number[]): void {
    this.#state.set(words);
  }

  /** Compress one block (GB/T 32905-2016, sections 5.3.2 and 5.3.3). */
  protected process(view: DataView, offset: number): void {
    const w = WORDS;
    for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(offset + 4 * i);
    for (let i = 16; i < 68; i += 1) {
      const mixed = p1(w[i - 16]! ^ w[i - 9]! ^ rotate(w[i - 3]!, 15));
      w[i] = mixed ^ rotate(w[i - 13]!, 7) ^ w[i - 6]!;
    }
    let [a, b, c, d, e, f, g, h] = this.get() as [
      number, number, number, number, number, number, number, number,
    ];
    for (let j = 0; j < 64; j += 1) {
      const isEarly = j < 16;
      const turned = rotate(a, 12);
      const ss1 = rotate((turned + e + rotate(isEarly ? EARLY : LATE, j % 32)) | 0, 7);
      const ff = isEarly ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = isEarly ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + (ss1 ^ turned) + (w[j]! ^ w[j + 4]!)) | 0;
      const tt2 = (gg + h + ss1 + w[j]!) | 0;
      [d, c, b, a] = [c, rotate(b, 9), a, tt1];
      [h, g, f, e] = [g, rotate(f, 19), e, p0(tt2)];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      this.#state[i]! ^= word;
    });
  }

  protected roundClean(): void {
    WORDS.fill(0);
  }

  destroy(): void {
    this.destroyed = true;
    this.#state.fill(0);
  }

  _cloneInto(to: Sm3 = new Sm3()): Sm3 {
    to.set(...this.get());
    return this._cloneIntoMeta(to);
  }
}

/** Start an SM3 hash; `update` and `digest` go on. */
export function sm3(): Pick<Sm3, "update" | "digest"> {
  return new Sm3();
}
