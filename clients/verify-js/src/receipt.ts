/** Read and verify a `.receipt` file: the evidence of one file (docs/reference/receipt.md). */

import { equal, toUtf8 } from "./bytes.js";
import { type Context, verifyUnder } from "./context.js";
import { openEnvelope } from "./envelope.js";
import type { EvidenceFact } from "./facts.js";
import { Item } from "./fields.js";
import { type Suite, hash, start, taggedHash } from "./hashing.js";
import { FILE_NAME_BYTES_MAX, MEDIA_TYPE_BYTES_MAX } from "./limits.js";
import { type Proof, type Verified, checkProof, readProof } from "./proof.js";
import { Refusal, malformed } from "./refusal.js";
import type { Trust } from "./trust.js";

/** What the verifier knows of the file at hand. */
export interface FileFacts {
  /** Hash of the contents with the chain's suite. */
  readonly digest: Uint8Array;
  /** Bytes. */
  readonly size: bigint;
}

/** What a receipt showed: the file was recorded in the proof's block or before. */
export interface VerifiedReceipt extends Verified {
  readonly kind: "evidence";
  readonly fact: EvidenceFact;
  /** Name of the file, as the receipt says; no hash covers it. */
  readonly name: string;
  /** Media type of the file, as the receipt says; no hash covers it. */
  readonly mediaType: string;
  /** Bytes of the file. */
  readonly size: bigint;
}

/** The evidence of one file. */
interface Receipt {
  readonly salt: Uint8Array;
  readonly name: string;
  readonly size: bigint;
  readonly mediaType: string;
  readonly proof: Proof;
}

/** Say whether a receipt may carry `name`: no folder, no control character, a real name. */
export function isFileName(name: string): boolean {
  const length = toUtf8(name).length;
  // Unicode's category Cc is these two ranges and never grows.
  const isPlain = !/[/\\\u0000-\u001f\u007f-\u009f]/.test(name);
  const isDots = name === "." || name === "..";
  return length >= 1 && length <= FILE_NAME_BYTES_MAX && isPlain && !isDots;
}

/** Read the body of a receipt; nothing is verified yet. */
function readReceipt(body: Uint8Array): Receipt {
  const fields = Item.read(body, "receipt").fields(5);
  const name = fields[1].named("file name").text();
  if (!isFileName(name)) throw malformed("file name", "not the name of a file");
  const mediaType = fields[3].named("media type").text();
  if (toUtf8(mediaType).length > MEDIA_TYPE_BYTES_MAX) throw malformed("media type", "too long");
  return {
    salt: fields[0].named("salt").fixed(32),
    name,
    size: fields[2].named("size").unsigned(),
    mediaType,
    proof: readProof(fields[4].named("proof").bytes()),
  };
}

/** Check a receipt for the file at hand, in the order of receipt.md, "To verify". */
function checkReceipt(context: Context, receipt: Receipt, file: FileFacts): VerifiedReceipt {
  const { name, mediaType, size } = receipt;
  if (file.size !== size) {
    const message = `the file has ${file.size} bytes, the receipt is of a file of ${size} bytes`;
    throw new Refusal("other_size", message);
  }
  const { entry } = receipt.proof.statement;
  if (entry === undefined) {
    throw new Refusal("not_an_entry", "the receipt holds no proof of an evidence entry");
  }
  const tag = "trine/evidence-entry";
  if (!equal(taggedHash(context.suite, tag, receipt.salt, file.digest), entry)) {
    const message = "the file's contents are not those that were recorded";
    throw new Refusal("file_altered", message);
  }
  context.passed("file", `the file has ${size} bytes, and its hash with the salt is the entry`);
  const verified = checkProof(context, receipt.proof);
  const fact = verified.fact as EvidenceFact; // an entry stands in no other statement
  return { ...verified, kind: fact.kind, fact, name, mediaType, size };
}

function isFileFacts(content: unknown): content is FileFacts {
  const { digest, size } = (content ?? {}) as Partial<FileFacts>;
  return digest instanceof Uint8Array && typeof size === "bigint";
}

function factsOf(suite: Suite, content: Uint8Array | FileFacts): FileFacts {
  if (content instanceof Uint8Array) {
    return { digest: hash(suite, content), size: BigInt(content.length) };
  }
  if (!isFileFacts(content)) {
    throw new Refusal("file_altered", "no contents of a file, nor their digest and size");
  }
  return content;
}

/** Contents of a file: bytes, `file.stream()` of a page, or a readable stream of Node. */
export type Bytes = Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Read contents piece by piece; some browsers cannot iterate over a stream. */
export async function* piecesOf(contents: Bytes): AsyncGenerator<Uint8Array> {
  if (contents instanceof Uint8Array) {
    yield contents;
  } else if ("getReader" in contents) {
    const reader = contents.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } else {
    yield* contents;
  }
}

/**
 * Measure a file without holding it in memory.
 *
 * @param suite Suite of the chain: `Trust.suite`.
 * @param contents The file.
 */
export async function measure(suite: Suite, contents: Bytes): Promise<FileFacts> {
  const function_ = start(suite);
  let size = 0n;
  for await (const piece of piecesOf(contents)) {
    function_.update(piece);
    size += BigInt(piece.length);
  }
  return { digest: function_.digest(), size };
}

/**
 * Verify a `.receipt` file for the file at hand, offline.
 *
 * @param receipt The whole receipt file.
 * @param content The file itself, or its digest and size as {@link measure} gives them.
 * @param trust Contents of `trust.json`, or what {@link Trust.read} made of them.
 * @returns What the receipt shows.
 * @throws {@link Refusal}, for any input that is not accepted, and nothing else.
 */
export async function verifyReceipt(
  receipt: Uint8Array,
  content: Uint8Array | FileFacts,
  trust: string | Uint8Array | Trust,
): Promise<VerifiedReceipt> {
  return verifyUnder(trust, (context) => {
    const body = openEnvelope(context.suite, "receipt", receipt);
    context.passed("seal", "the file is a receipt of version 1, and its seal matches");
    const facts = factsOf(context.suite, content);
    return checkReceipt(context, readReceipt(body), facts);
  });
}
