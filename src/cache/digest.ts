import { createHash, type Hash } from "node:crypto";
import { FormatError } from "../model/error.ts";

/** `sha256:<64 hex>` or `sha512:<128 hex>`, as the OCI image specification writes it, already checked. */
export type Digest = string;

const hexLength: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Whether a text is a digest that can be checked here. Hex digits must be lower case, as the specification has it. */
export function isDigest(text: unknown): text is Digest {
  if (typeof text !== "string") return false;
  const [algorithm, hex, ...rest] = text.split(":");
  if (algorithm === undefined || hex === undefined || rest.length > 0) return false;
  return hex.length === hexLength[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** The two parts of a digest. */
export function digestParts(digest: Digest): { algorithm: string; hex: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon), hex: digest.slice(colon + 1) };
}

/** A hash that works like the digest's own. */
export function hasherOf(digest: Digest): Hash {
  return createHash(digestParts(digest).algorithm);
}

/** `sha256:<hex>` of some bytes. */
export function sha256Of(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The first twelve hex digits: what people see of a digest. */
export function shortDigest(digest: Digest): string {
  return digestParts(digest).hex.slice(0, 12);
}

/** Whether the bytes are those that the digest stands for. */
export function matchesDigest(bytes: Uint8Array, digest: Digest): boolean {
  return hasherOf(digest).update(bytes).digest("hex") === digestParts(digest).hex;
}

/**
 * Lets through bytes that are what their digest says.
 * @throws {FormatError} `source/digest-mismatch`
 */
export function checkDigest(bytes: Uint8Array, digest: Digest, what: string): void {
  if (!matchesDigest(bytes, digest)) {
    const { algorithm } = digestParts(digest);
    throw digestMismatch(
      what,
      digest,
      `${algorithm}:${hasherOf(digest).update(bytes).digest("hex")}`,
    );
  }
}

/** The error for bytes that are not what their digest says. */
export function digestMismatch(what: string, expected: Digest, found: Digest): FormatError {
  return new FormatError(
    "source/digest-mismatch",
    `${what} should have the digest ${expected}, and has ${found}`,
    {
      hint: "the image was damaged or altered on its way; get it again, and if it stays so tell whoever published it",
    },
  );
}
