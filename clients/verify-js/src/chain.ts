/**
 * Check that a header is final: certified chains and hand-overs.
 *
 * Source: docs/reference/proofs.md, sections 4 and 5.
 */

import { equal, toHex } from "./bytes.js";
import {
  type Certificate,
  type Committee,
  elected,
  readCertificate,
  trusted,
  verifyCertificate,
} from "./certificate.js";
import type { Context } from "./context.js";
import type { Item } from "./fields.js";
import { type Header, headerDigest, readHeader } from "./header.js";
import { HEADER_BYTES_MAX, PROOF_HANDOVERS_MAX, PROOF_HEADERS_MAX } from "./limits.js";
import { Refusal, malformed } from "./refusal.js";
import { Undecodable, decode } from "./wire.js";

/** A header, the headers after it until one is certified, and that certificate. */
export interface CertifiedChain {
  /** Header that is to be shown: the first. */
  readonly header: Header;
  /** Headers in ascending order. */
  readonly headers: readonly Header[];
  /** Certificate of the last header. */
  readonly certificate: Certificate;
}

/** What a verified chain shows. */
export interface FinalBlock {
  /** Header that was shown to be final. */
  readonly header: Header;
  /** Its digest. */
  readonly digest: Uint8Array;
  /** Names of the validators that certified it. */
  readonly signers: readonly string[];
}

function readOneHeader(item: Item): Header {
  const data = item.named("header").bytes();
  if (data.length > HEADER_BYTES_MAX) throw malformed("header", "too long");
  try {
    return decode(data, (reader) => readHeader(data, reader));
  } catch (error) {
    if (error instanceof Undecodable) throw malformed("header", error.message);
    throw error;
  }
}

/** Read a chain; nothing is verified yet. */
export function readChain(item: Item): CertifiedChain {
  const [encoded, certificate] = item.named("certified chain").fields(2);
  const headers = encoded.items(PROOF_HEADERS_MAX).map(readOneHeader);
  const [header] = headers;
  if (header === undefined) throw malformed("certified chain", "no header");
  return { header, headers, certificate: readCertificate(certificate) };
}

/** Read the hand-overs of a proof, oldest first. */
export function readHandOvers(item: Item): CertifiedChain[] {
  return item.named("hand-overs").items(PROOF_HANDOVERS_MAX).map(readChain);
}

/** Check that each header follows the one before it (step 2), and return their digests. */
function link(context: Context, headers: readonly Header[]): Uint8Array[] {
  const digests: Uint8Array[] = [];
  headers.forEach((header, place) => {
    const before = headers[place - 1];
    if (before !== undefined) {
      const follows = header.height === before.height + 1n;
      if (!follows || !equal(header.parent, digests[place - 1]!)) {
        const message = `the header of height ${header.height} does not follow the one before it`;
        throw new Refusal("broken_chain", message);
      }
    }
    digests.push(headerDigest(context.suite, header));
  });
  return digests;
}

/** Check a chain against the set in force. */
function verifyChain(context: Context, chain: CertifiedChain, committee: Committee): FinalBlock {
  const { header, headers, certificate } = chain;
  for (const one of headers) {
    if (!equal(one.chainId, context.chainId)) {
      const message =
        `the proof is of chain ${toHex(one.chainId)}, ` +
        `the trust file of chain ${context.trust.chainId}`;
      throw new Refusal("other_chain", message);
    }
  }
  const digests = link(context, headers);
  const last = headers[headers.length - 1]!;
  if (!equal(certificate.digest, digests[digests.length - 1]!)) {
    throw new Refusal("other_block", "the certificate is of another block");
  }
  if (certificate.epoch !== last.epoch) {
    const message = `the certificate is of epoch ${certificate.epoch}, expected ${last.epoch}`;
    throw new Refusal("wrong_epoch", message);
  }
  const linked =
    headers.length === 1
      ? `block ${header.height} is of the trusted chain, and the certificate is of this block`
      : `blocks ${header.height} to ${last.height} are of the trusted chain, each names the ` +
        "digest of the one before it, and the certificate is of the last";
  context.passed("chain", linked);
  const signers = verifyCertificate(context, certificate, committee);
  return { header, digest: digests[0]!, signers };
}

function checkNotBefore(epoch: bigint, committee: Committee): void {
  if (epoch < committee.epoch) {
    const message =
      `epoch ${epoch} lies before epoch ${committee.epoch}, ` +
      "from which the validators are trusted";
    throw new Refusal("epoch_before_trust", message);
  }
}

/** Return the set to which a hand-over hands over from `committee`. */
function follow(context: Context, handOver: CertifiedChain, committee: Committee): Committee {
  const { header } = verifyChain(context, handOver, committee);
  const change = header.epochChange;
  if (change === undefined || change.epoch !== header.epoch + 1n) {
    const message = `the header of height ${header.height} hands over to no next epoch`;
    throw new Refusal("not_a_hand_over", message);
  }
  const found = handOver.certificate.epoch;
  if (found !== header.epoch) {
    const message = `the certificate is of epoch ${found}, expected ${header.epoch}`;
    throw new Refusal("wrong_epoch", message);
  }
  checkNotBefore(header.epoch, committee);
  const names = change.validators.map((validator) => validator.name).join(", ");
  const text = `block ${header.height} hands over to the validators of epoch ${change.epoch}`;
  context.passed("hand_over", `${text}: ${names}`);
  return elected(change);
}

/** Follow the hand-overs from the trusted validators, and check `chain` against the last set. */
export function verifyFinal(
  context: Context,
  chain: CertifiedChain,
  handOvers: readonly CertifiedChain[],
): FinalBlock {
  let committee = trusted(context.trust);
  let isFollowed = false;
  for (const handOver of handOvers) {
    // One before the trusted epoch leads to the trusted set.
    if (handOver.header.epoch < context.trust.epoch) continue;
    committee = follow(context, handOver, committee);
    isFollowed = true;
  }
  const shown = verifyChain(context, chain, committee);
  if (isFollowed) checkNotBefore(chain.certificate.epoch, committee);
  return shown;
}
