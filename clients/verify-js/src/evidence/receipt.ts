/**
 * Read and verify COSE receipts: signed proofs that an entry is in a log (RFC 9942).
 *
 * Source: docs/reference/scitt.md, section 6.
 */

import type { Suite } from "../hashing.js";
import { headOfPath } from "../paths.js";
import { Refusal } from "../refusal.js";
import * as cbor from "./cbor.js";
import { type Label, type Slice, refused } from "./cbor.js";
import * as cose from "./cose.js";
import * as statement from "./statement.js";

/** Labels of headers: structure and proofs (RFC 9942). */
const [STRUCTURE, PROOFS] = [395, 396] as const;
/** Labels for private use: the chain's proof, the size, the hash function of entries. */
const [CHAIN_PROOF, SIZE, ENTRY_HASH] = [-65_600, -65_601, -65_602] as const;
/** Labels of the kinds of proofs (RFC 9942, section 4.2). */
const [INCLUSION, CONSISTENCY] = [-1, -2] as const;

/** Suite whose function a log's structure has: RFC9162_SHA256, or the same with SM3. */
const SUITE_OF_STRUCTURE: ReadonlyMap<bigint, Suite> = new Map([
  [1n, "intl"],
  [-65_600n, "gm"],
]);

/** Suite whose function entries are made with, by its number: SHA-256, or SM3. */
const SUITE_OF_HASH: ReadonlyMap<bigint, Suite> = new Map([
  [-16n, "intl"],
  [-65_600n, "gm"],
]);

/** Proofs of one kind in a receipt. */
const PROOFS_MAX = 16;
/** Hashes of a path. */
const PATH_HASHES_MAX = 64;
/** Leaves of a log. */
const SIZE_MAX = 2n ** 62n;

/** Headers that a receipt may call critical. */
const UNDERSTOOD: ReadonlySet<Label> = new Set([
  ...[cose.ALGORITHM, cose.CRITICAL, cose.KEY_ID, cose.CWT_CLAIMS],
  ...[STRUCTURE, SIZE, ENTRY_HASH],
]);

/** Two numbers and a path: of inclusion, size of the log, index of the leaf, leaf to root. */
interface Proof {
  readonly numbers: readonly [bigint, bigint];
  readonly path: readonly Uint8Array[];
}

/** A receipt whose form is checked; what it shows is not. */
export interface Receipt {
  readonly message: cose.Sign1;
  /** Suite whose hash function the log has. */
  readonly suite: Suite;
  /** Suite whose hash function its entries are made with: another one in a standard log. */
  readonly entrySuite: Suite;
  /** The service. */
  readonly issuer: string;
  /** The log. */
  readonly subject: string;
  /** Name of the service's key. */
  readonly keyId: Uint8Array;
  /** Unix time in seconds at which the service signed, as it says. */
  readonly issuedAtS: number | undefined;
  /** Leaves of the log as the service signed them; nothing where only proofs name them. */
  readonly size: bigint | undefined;
  readonly inclusions: readonly Proof[];
  /** The chain's own proof, a proof file; nothing where there is none. */
  readonly chainProof: Uint8Array | undefined;
}

/** Where an entry is in a log. */
export interface Place {
  /** Index of the entry, from 0. */
  readonly index: bigint;
  /** Entries of the log. */
  readonly size: bigint;
  /** Root to which the entry's path leads. */
  readonly root: Uint8Array;
}

/** Read a receipt and check its form. */
export function readReceipt(data: Uint8Array): Receipt {
  const message = cose.readSign1(data, "the receipt", statement.RECEIPT_BYTES_MAX);
  cose.algorithm(message);
  cose.checkCritical(message, UNDERSTOOD);
  const suite = suiteOf(message);
  const entrySuite = entrySuiteOf(message, suite);
  const claims = statement.claimsOf(message);
  const parties = statement.partiesOf(message.protected, claims);
  const issuedAtS = statement.issuedAt(message.protected, claims);
  if (message.payload !== undefined) {
    const text = "the payload is attached: a receipt's root is computed from its proof";
    throw refused("bad_receipt", text);
  }
  const place = message.unprotected.get(PROOFS);
  if (place === undefined || data[place[0]]! >> 5 !== cbor.MAP) {
    throw refused("bad_receipt", `the receipt lacks a map of proofs (${PROOFS})`);
  }
  const [proofs] = cbor.mapPlaces(data, place[0], place[1], "the proofs");
  const isKnown = (label: Label): boolean => label === INCLUSION || label === CONSISTENCY;
  if (proofs.size === 0 || ![...proofs.keys()].every(isKnown)) {
    const text = `the proofs are not those of inclusion (${INCLUSION}) and consistency`;
    throw refused("bad_receipt", text);
  }
  const keyId = statement.keyIdOf(message);
  const size = sizeOf(message);
  const inclusions = readProofs(data, proofs.get(INCLUSION));
  readProofs(data, proofs.get(CONSISTENCY)); // their form is that of the receipt
  const chainProof = chainProofOf(message);
  const about = { ...parties, keyId, issuedAtS, size, inclusions, chainProof };
  return { message, suite, entrySuite, ...about };
}

function suiteOf(message: cose.Sign1): Suite {
  const place = cose.required(message, STRUCTURE, "vds");
  const number = cose.integer(message.protected, place, "the verifiable data structure");
  const found = SUITE_OF_STRUCTURE.get(number);
  if (found !== undefined) return found;
  const known = [...SUITE_OF_STRUCTURE.keys()].join(", ");
  throw refused("unknown_structure", `the data structure ${number}, expected one of ${known}`);
}

function entrySuiteOf(message: cose.Sign1, byDefault: Suite): Suite {
  const place = message.headers.get(ENTRY_HASH);
  if (place === undefined) return byDefault;
  const number = cose.integer(message.protected, place, "the hash function of entries");
  const found = SUITE_OF_HASH.get(number);
  if (found !== undefined) return found;
  const known = [...SUITE_OF_HASH.keys()].join(", ");
  const text = `entries by the hash function ${number}, expected one of ${known}`;
  throw refused("unknown_structure", text);
}

function sizeOf(message: cose.Sign1): bigint | undefined {
  const place = message.headers.get(SIZE);
  return place === undefined ? undefined : cose.integer(message.protected, place, "the size");
}

function chainProofOf(message: cose.Sign1): Uint8Array | undefined {
  const place = message.unprotected.get(CHAIN_PROOF);
  return place === undefined
    ? undefined
    : cose.string(message.data, place, "the chain's proof");
}

/** Read the proofs of one kind: each a byte string with two numbers and a path. */
function readProofs(data: Uint8Array, place: Slice | undefined): Proof[] {
  if (place === undefined) return [];
  const places = cose.items(data, place, "the proofs of a kind");
  if (places.length < 1 || places.length > PROOFS_MAX) {
    const text = `${places.length} proofs of a kind, expected 1 to ${PROOFS_MAX}`;
    throw refused("bad_receipt", text);
  }
  return places.map((each) => readProof(cose.string(data, each, "a proof")));
}

function readProof(proof: Uint8Array): Proof {
  const what = "a proof";
  const stop = cbor.skip(proof, 0, proof.length, what);
  const parts = cose.items(proof, [0, stop], what);
  if (stop !== proof.length || parts.length !== 3) {
    throw refused("bad_receipt", "a proof is not two numbers and a path");
  }
  const [first, second] = parts
    .slice(0, 2)
    .map((part) => cose.integer(proof, part, "a number of a proof")) as [bigint, bigint];
  const path = cose.items(proof, parts[2]!, "the path of a proof");
  if (first < 0n || second < 0n || path.length > PATH_HASHES_MAX) {
    const text = `a proof with the numbers ${first} and ${second}, ${path.length} hashes`;
    throw refused("bad_receipt", text);
  }
  const hashes = path.map((part) => cose.string(proof, part, "a hash of a proof"));
  return { numbers: [first, second], path: hashes };
}

/** Follow the receipt's paths from an entry; each must fit its numbers (RFC 9162, 2.1.3.2). */
export function placesOf(receipt: Receipt, entry: Uint8Array): Place[] {
  const found = receipt.inclusions.map(({ numbers: [size, index], path }) => {
    if (path.some((hash) => hash.length !== 32)) {
      throw refused("tree_mismatch", "a hash of the proof has not 32 bytes");
    }
    const isInside = index < size && size <= SIZE_MAX;
    const root = isInside ? headOfPath(receipt.suite, entry, index, size, path) : undefined;
    if (root === undefined) {
      const text = `the path of ${path.length} hashes does not fit leaf ${index} of ${size}`;
      throw refused("tree_mismatch", text);
    }
    return { index, size, root };
  });
  if (found.length === 0) throw refused("bad_receipt", "the receipt has no proof of inclusion");
  return found;
}

function checkSize(receipt: Receipt, { size }: Place): void {
  if (receipt.size !== undefined && receipt.size !== size) {
    const text = `a proof of ${size} leaves, ${receipt.size} are signed`;
    throw refused("tree_mismatch", text);
  }
}

/**
 * Check that the service signed a log that holds an entry; one of the proofs must lead there.
 *
 * @param key Key of the service; without it nothing says that the service signed this log, and the
 * first proof is taken.
 * @returns Where the entry is.
 */
export function verifyInclusion(
  receipt: Receipt,
  entry: Uint8Array,
  key: cose.PublicKey | undefined,
): Place {
  const places = placesOf(receipt, entry);
  for (const place of places) {
    checkSize(receipt, place);
    if (key === undefined) return place;
    try {
      cose.verifySign1(receipt.message, key, place.root);
      return place;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "cose_signature") throw error;
    }
  }
  const text = "the signature holds for no root of a proof: the receipt is of something else";
  throw refused("cose_signature", text);
}
