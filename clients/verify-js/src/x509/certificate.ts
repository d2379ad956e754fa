/**
 * Read certificates (RFC 5280, section 4): DER, or one or several in PEM (RFC 7468).
 *
 * Source: docs/reference/scitt.md, "Issuers by certificate".
 */

import { concat, equal } from "../bytes.js";
import { refused } from "../evidence/cbor.js";
import type { PublicKey } from "../evidence/cose.js";
import * as der from "./der.js";
import { type Element, TAG, bad } from "./der.js";
import { readable } from "./names.js";

/** Bytes of a certificate. */
const CERTIFICATE_BYTES_MAX = 64 * 1024;
/** Bytes of a file of certificates. */
const FILE_BYTES_MAX = 1024 * 1024;
/** Certificates of one file, and certificates offered for one path. */
export const CERTIFICATES_MAX = 64;

const PEM = /-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]*)-----END CERTIFICATE-----/g;

/** Identifiers of extensions (RFC 5280, section 4.2.1). */
const EXTENSIONS = {
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  otherNames: "2.5.29.17",
  issuerNames: "2.5.29.18",
  constraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  revocationLists: "2.5.29.31",
  policies: "2.5.29.32",
  authorityKey: "2.5.29.35",
  policyConstraints: "2.5.29.36",
  purposes: "2.5.29.37",
  anyPolicy: "2.5.29.54",
} as const;

const { nameConstraints, policyConstraints, anyPolicy, ...KNOWN } = EXTENSIONS;
/** Extensions that may be critical: names and policies decide nothing here. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(KNOWN));
/** Extensions by which an authority binds those below it; to ignore them would be unsafe. */
const REFUSED: ReadonlySet<string> = new Set([nameConstraints, policyConstraints, anyPolicy]);

/** Algorithms of keys by their identifiers, and by the curve of those on one. */
const ED25519 = "1.3.101.112";
const ON_CURVE = "1.2.840.10045.2.1";
const RSA = "1.2.840.113549.1.1.1";
const CURVES: Readonly<Record<string, string>> = {
  "1.2.840.10045.3.1.7": "p256",
  "1.3.132.0.34": "p384",
  "1.3.132.0.35": "p521",
  "1.2.156.10197.1.301": "sm2",
};
/** Kinds of keys that sign statements. */
const SIGNING: readonly string[] = ["ed25519", "p256", "sm2"];
/** Bytes of a coordinate, on the curves whose points are compressed here. */
const FIELD_BYTES: Readonly<Record<string, number>> = { p256: 32, sm2: 32 };

/** A public key as a certificate has it. */
export interface CertifiedKey {
  /** `ed25519`, `p256`, `p384`, `p521`, `sm2`, `rsa`; empty for another. */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** The name of the key of an authority, as a certificate below it has it. */
export interface AuthorityKey {
  readonly identifier: Uint8Array | undefined;
  /** Names of who issued the authority's certificate, and its number. */
  readonly issuers: readonly Uint8Array[];
  readonly serial: bigint | undefined;
}

/** A certificate whose structure is sound; who vouches for it is another question. */
export interface Certificate {
  /** Its encoding. */
  readonly der: Uint8Array;
  /** Whom it names, for people. */
  readonly subject: string;
  /** Who issued it, for people. */
  readonly issuer: string;
  /** The same two as they are encoded. */
  readonly names: { readonly subject: Uint8Array; readonly issuer: Uint8Array };
  readonly serial: bigint;
  /** From when to when it is valid, both included, in Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly key: CertifiedKey;
  /** Whether it may issue others. */
  readonly isAuthority: boolean;
  /** Authorities that may stand below it; nothing where any number may. */
  readonly pathLength: bigint | undefined;
  /** What its key may do; nothing where that is not said. */
  readonly usage: { readonly signs: boolean; readonly issues: boolean } | undefined;
  /** URIs among its other names (subjectAltName). */
  readonly uris: readonly string[];
  readonly subjectKey: Uint8Array | undefined;
  readonly authorityKey: AuthorityKey | undefined;
  /** What the issuer signed, with which algorithm, and the signature. */
  readonly signed: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

/**
 * Read the certificates of a file: PEM, one or several, or DER, one.
 *
 * @throws {@link Refusal} with the code `bad_certificate` or `unsupported_certificate`.
 */
export function readCertificates(given: Uint8Array): Certificate[] {
  if (!(given instanceof Uint8Array)) throw bad("no bytes");
  if (given.length > FILE_BYTES_MAX) throw bad(`a file of over ${FILE_BYTES_MAX} bytes`);
  const data = new Uint8Array(given);
  const text = Array.from(data, (byte) => String.fromCharCode(byte)).join("");
  if (!text.includes("-----BEGIN")) return [readCertificate(data)];
  const found = Array.from(text.matchAll(PEM), ([, body]) => readCertificate(fromBase64(body!)));
  if (found.length === 0) throw bad("no certificate in the PEM");
  if (found.length > CERTIFICATES_MAX) {
    throw bad(`${found.length} certificates in a file, at most ${CERTIFICATES_MAX}`);
  }
  return found;
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/\s/g, "")), (one) => one.charCodeAt(0));
  } catch {
    throw bad("no base64 in the PEM");
  }
}

/** Read one certificate in DER. */
export function readCertificate(data: Uint8Array): Certificate {
  if (data.length > CERTIFICATE_BYTES_MAX) {
    throw bad(`a certificate of ${data.length} bytes, at most ${CERTIFICATE_BYTES_MAX}`);
  }
  const [signed, outer, signature, ...rest] = der.sequence(data);
  if (signature === undefined || rest.length > 0) throw bad("not three parts");
  const parts = der.sequence(signed!.raw);
  const [version, serial, inner, issuer, validity, subject, key, ...more] = parts;
  if (key === undefined) throw bad("it ends before its key");
  // Version 3, which alone can say what a certificate may be used for.
  if (version!.tag !== 0xa0 || der.unsigned(der.elements(version!.content)[0]) !== 2n) {
    throw bad("it is not of version 3");
  }
  if (!equal(inner!.raw, outer!.raw)) throw bad("it names two algorithms for its signature");
  const [notBefore, notAfter] = der.elements(der.expected(validity, TAG.sequence).content);
  const names = { subject: subject!.raw, issuer: issuer!.raw };
  const written = { subject: readable(names.subject), issuer: readable(names.issuer) };
  return {
    ...written,
    ...readExtensions(more, written.subject),
    der: data,
    names,
    serial: der.unsigned(serial),
    notBeforeMs: der.time(notBefore),
    notAfterMs: der.time(notAfter),
    key: readKey(key),
    signed: signed!.raw,
    algorithm: der.oid(der.elements(der.expected(outer, TAG.sequence).content)[0]),
    signature: der.bitsAsBytes(signature),
  };
}

function readKey(info: Element): CertifiedKey {
  const [algorithm, bits, ...rest] = der.elements(der.expected(info, TAG.sequence).content);
  if (rest.length > 0) throw bad("its key has more than two parts");
  const bytes = der.bitsAsBytes(bits);
  const [name, curve] = der.elements(der.expected(algorithm, TAG.sequence).content);
  switch (der.oid(name)) {
    case ED25519:
      return { kind: "ed25519", bytes };
    case RSA:
      return { kind: "rsa", bytes };
    case ON_CURVE: {
      const kind = curve?.tag === TAG.oid ? (CURVES[der.oid(curve)] ?? "") : "";
      const size = FIELD_BYTES[kind];
      return { kind, bytes: size === undefined ? bytes : compressed(bytes, size) };
    }
    default:
      return { kind: "", bytes };
  }
}

/** Write a point in its compressed form (SEC 1, section 2.3.3). */
function compressed(point: Uint8Array, size: number): Uint8Array {
  if (point[0] !== 4 || point.length !== 1 + 2 * size) return point;
  return concat(Uint8Array.of(2 + (point.at(-1)! & 1)), point.subarray(1, 1 + size));
}

type Extensions = Pick<
  Certificate,
  "isAuthority" | "pathLength" | "usage" | "uris" | "subjectKey" | "authorityKey"
>;

function readExtensions(parts: readonly Element[], subject: string): Extensions {
  const found = new Map<string, Uint8Array>();
  const list = parts.find(({ tag }) => tag === 0xa3);
  for (const one of list === undefined ? [] : der.sequence(list.content)) {
    const [name, ...rest] = der.elements(der.expected(one, TAG.sequence).content);
    const identifier = der.oid(name);
    const isCritical = rest[0]?.tag === TAG.boolean && der.boolean(rest.shift()!);
    if (rest.length !== 1) throw bad("an extension is none");
    if (found.has(identifier)) throw bad(`it has the extension ${identifier} twice`);
    if (REFUSED.has(identifier) || (isCritical && !UNDERSTOOD.has(identifier))) {
      const why = "which is not understood here and must not be ignored";
      const text = `the certificate of ${subject} has the extension ${identifier}, ${why}`;
      throw refused("unsupported_certificate", text);
    }
    found.set(identifier, der.expected(rest[0], TAG.octets).content);
  }
  const read = <T>(name: string, reader: (value: Uint8Array) => T): T | undefined => {
    const value = found.get(name);
    return value === undefined ? undefined : reader(value);
  };
  return {
    ...(read(EXTENSIONS.constraints, readConstraints) ?? {
      isAuthority: false,
      pathLength: undefined,
    }),
    usage: read(EXTENSIONS.keyUsage, readUsage),
    uris: read(EXTENSIONS.otherNames, readUris) ?? [],
    subjectKey: read(EXTENSIONS.subjectKey, (value) => der.only(value, TAG.octets).content),
    authorityKey: read(EXTENSIONS.authorityKey, readAuthorityKey),
  };
}

/** Read basicConstraints (RFC 5280, section 4.2.1.9). */
function readConstraints(value: Uint8Array): Pick<Certificate, "isAuthority" | "pathLength"> {
  const parts = der.sequence(value);
  const isAuthority = parts[0]?.tag === TAG.boolean && der.boolean(parts.shift()!);
  const [length, ...rest] = parts;
  if (rest.length > 0) throw bad("its constraints have more than two parts");
  return { isAuthority, pathLength: length === undefined ? undefined : der.unsigned(length) };
}

/** Read keyUsage: bit 0 signs, bit 5 issues (RFC 5280, section 4.2.1.3). */
function readUsage(value: Uint8Array): { signs: boolean; issues: boolean } {
  const [, first = 0] = der.only(value, TAG.bits).content;
  return { signs: (first & 0x80) !== 0, issues: (first & 0x04) !== 0 };
}

/** Read the URIs of subjectAltName (RFC 5280, section 4.2.1.6). */
function readUris(value: Uint8Array): string[] {
  return der
    .sequence(value)
    .filter(({ tag }) => tag === 0x86)
    .map(({ content }) => {
      if (content.some((byte) => byte > 0x7f)) throw bad("a URI that is not ASCII");
      return String.fromCharCode(...content);
    });
}

/** Read authorityKeyIdentifier (RFC 5280, section 4.2.1.1). */
function readAuthorityKey(value: Uint8Array): AuthorityKey {
  const parts = new Map(der.sequence(value).map((one) => [one.tag, one]));
  const names = parts.get(0xa1);
  const serial = parts.get(0x82);
  return {
    identifier: parts.get(0x80)?.content,
    issuers: (names === undefined ? [] : der.elements(names.content))
      .filter(({ tag }) => tag === 0xa4)
      .map(({ content }) => content),
    serial: serial && der.unsigned({ ...serial, tag: TAG.integer }),
  };
}

/**
 * Return the key of a certificate as statements are signed with it.
 *
 * @throws {@link Refusal} with the code `unsupported_certificate`.
 */
export function signingKey({ key, subject }: Certificate): PublicKey {
  if (!SIGNING.includes(key.kind)) {
    const text = `the certificate of ${subject} is for a key that signs no statements`;
    throw refused("unsupported_certificate", `${text}, expected one of ${SIGNING.join(", ")}`);
  }
  return { algorithm: key.kind, key: key.bytes };
}
