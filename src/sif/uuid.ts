import { createHash, randomUUID } from "node:crypto";

/** 16 bytes in the order in which they are written as text. */
export type Uuid = Buffer;

export function randomUuid(): Uuid {
  return Buffer.from(randomUUID().replaceAll("-", ""), "hex");
}

/** A UUID that says what is in the image: version 8 of RFC 9562, made of a SHA-256. */
export function uuidOfHash(digest: Uint8Array): Uuid {
  const uuid = createHash("sha256")
    .update("tsbuild image\0")
    .update(digest)
    .digest()
    .subarray(0, 16);
  uuid[6] = 0x80 + ((uuid[6] ?? 0) % 0x10);
  uuid[8] = 0x80 + ((uuid[8] ?? 0) % 0x40);
  return uuid;
}

export function formatUuid(uuid: Uint8Array): string {
  const hex = Buffer.from(uuid).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
