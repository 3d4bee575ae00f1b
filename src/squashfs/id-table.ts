import { FormatError } from "../model/error.ts";
import { displayName, type ByteString } from "../model/bytes-path.ts";
import { limits } from "./format.ts";

/** The distinct user and group numbers of an image, in one list; inodes hold numbers in that list. */
export class IdTable {
  readonly #numbers = new Map<number, number>();

  /**
   * The number of an id in the table, which takes it in at its first use.
   * @throws {FormatError} `squashfs/limit`
   */
  numberOf(id: number, path: ByteString): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    if (!Number.isInteger(id) || id < 0 || id >= 0xffff_ffff) {
      throw new FormatError(
        "squashfs/limit",
        `/${displayName(path)} belongs to ${id}, which is not a user or group number`,
        { hint: "user and group numbers go from 0 to 4294967294" },
      );
    }
    const number = this.#numbers.size;
    if (number >= limits.ids) {
      throw new FormatError(
        "squashfs/limit",
        `/${displayName(path)} has the ${limits.ids + 1}th owner; an image holds ${limits.ids} distinct users and groups`,
        { hint: "give files of many owners to one" },
      );
    }
    this.#numbers.set(id, number);
    return number;
  }

  get count(): number {
    return this.#numbers.size;
  }

  encode(): Buffer {
    const bytes = Buffer.alloc(4 * this.#numbers.size);
    let at = 0;
    for (const id of this.#numbers.keys()) at = bytes.writeUInt32LE(id, at);
    return bytes;
  }
}
