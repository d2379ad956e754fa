/**
 * Check the path from an issuer's certificate to a root that is trusted (RFC 5280, section 6).
 *
 * The candidates follow from names and key identifiers alone; then each path is checked, and the
 * first good one is returned, as `trine.crypto.x509` does. Revocation is not checked.
 */

import { equal } from "../bytes.js";
import { refused } from "../evidence/cbor.js";
import { Refusal } from "../refusal.js";
import { CERTIFICATES_MAX, type Certificate, signingKey } from "./certificate.js";
import { checkSignature } from "./signature.js";

/** Certificates of one path, both ends included. */
const PATH_CERTIFICATES_MAX = 8;
/** Paths tried for one certificate, so that look-alikes cost bounded work. */
const PATHS_MAX = 16;
/** Steps of the search for paths. */
const WAYS_MAX = 4096;
const SECOND_MS = 1000;

type Path = readonly Certificate[];

/**
 * Check the certificate of who signs up to a trusted one at a time.
 *
 * @param certificate Certificate of the signer.
 * @param roots Certificates that are trusted.
 * @param between Certificates between, in any order; nothing in them is trusted.
 * @param atMs Unix time in milliseconds.
 * @returns The path, the trusted certificate last.
 */
export function checkSigner(
  certificate: Certificate,
  roots: readonly Certificate[],
  between: readonly Certificate[],
  atMs: number,
): Path {
  const offered = roots.length + between.length;
  if (offered > CERTIFICATES_MAX) {
    throw refused("bad_argument", `${offered} certificates, at most ${CERTIFICATES_MAX}`);
  }
  let first: Refusal | undefined;
  let tried = 0;
  for (const path of paths(certificate, roots, between)) {
    if (tried === PATHS_MAX) break;
    tried += 1;
    try {
      checkUsage(certificate);
      checkPath(path, atMs);
      return path;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
  const text = `no path of at most ${PATH_CERTIFICATES_MAX} certificates leads from`;
  const ends = `${certificate.subject}, issued by ${certificate.issuer}, to a trusted authority`;
  throw refused("unknown_issuer", `${text} ${ends}`);
}

function has(list: readonly Certificate[], one: Certificate): boolean {
  return list.some(({ der }) => equal(der, one.der));
}

function unique(list: readonly Certificate[]): Certificate[] {
  return list.filter((one, place) => !has(list.slice(0, place), one));
}

/** Find paths by names and key identifiers, the shortest first. */
function* paths(
  certificate: Certificate,
  roots: readonly Certificate[],
  others: readonly Certificate[],
): Generator<Path> {
  const trusted = unique(roots);
  const between = unique(others).filter((one) => !has(trusted, one));
  const waiting: Path[] = [[certificate]];
  let steps = 0;
  while (waiting.length > 0 && steps < WAYS_MAX) {
    const path = waiting.shift()!;
    const mayFollow = (one: Certificate): boolean =>
      !has(path, one) && mayHaveIssued(one, path.at(-1)!);
    steps += trusted.length;
    for (const one of trusted) if (mayFollow(one)) yield [...path, one];
    if (path.length >= PATH_CERTIFICATES_MAX - 1) continue;
    steps += between.length;
    for (const one of between) if (mayFollow(one)) waiting.push([...path, one]);
  }
}

/** Compare names and, where both sides have them, key identifiers (RFC 5280, 4.2.1.1). */
function mayHaveIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!equal(issuer.names.subject, certificate.names.issuer)) return false;
  const claimed = certificate.authorityKey;
  if (claimed === undefined) return true;
  const { identifier, issuers, serial } = claimed;
  const own = issuer.subjectKey;
  if (identifier !== undefined && own !== undefined && !equal(identifier, own)) return false;
  if (serial === undefined || issuers.length === 0) return true;
  return serial === issuer.serial && issuers.some((one) => equal(one, issuer.names.issuer));
}

function notAllowed(text: string): Refusal {
  return refused("certificate_not_allowed", text);
}

/** Check that a certificate is one of who signs, not of who issues. */
function checkUsage(certificate: Certificate): void {
  signingKey(certificate);
  const { subject, usage, isAuthority } = certificate;
  if (isAuthority) {
    throw notAllowed(`the certificate of ${subject} is an authority's, expected a signer's`);
  }
  if (usage?.signs === false) {
    throw notAllowed(`the certificate of ${subject} is not for signing (digitalSignature)`);
  }
}

function checkPath(path: Path, atMs: number): void {
  path.slice(1).forEach((issuer, below) => checkIssuer(issuer, path.slice(1, below + 1)));
  path.slice(1).forEach((issuer, below) => checkSignature(path[below]!, issuer));
  for (const one of path) checkTime(one, atMs);
}

/** Check that a certificate is an authority's, with these certificates below it. */
function checkIssuer(issuer: Certificate, below: Path): void {
  const { subject, isAuthority, usage, pathLength } = issuer;
  if (!isAuthority) {
    throw notAllowed(`${subject} issued a certificate and is no authority (basicConstraints)`);
  }
  if (usage?.issues === false) {
    throw notAllowed(`${subject} may not issue certificates (keyCertSign)`);
  }
  const depth = below.filter(({ names }) => !equal(names.subject, names.issuer)).length;
  if (pathLength !== undefined && BigInt(depth) > pathLength) {
    const text = `${depth} authorities stand below ${subject}, which allows ${pathLength}`;
    throw notAllowed(`${text} (pathLenConstraint)`);
  }
}

function checkTime({ subject, notBeforeMs, notAfterMs }: Certificate, atMs: number): void {
  // Certificates count whole seconds: the second that they name belongs to them.
  const second = Math.floor(atMs / SECOND_MS) * SECOND_MS;
  const what = `the certificate of ${subject}`;
  if (second < notBeforeMs) {
    const text = `${what} is valid from ${notBeforeMs} Unix ms, not at ${atMs}`;
    throw refused("certificate_not_yet_valid", text);
  }
  if (second > notAfterMs) {
    const text = `${what} expired at ${notAfterMs} Unix ms, before ${atMs}`;
    throw refused("certificate_expired", text);
  }
}
