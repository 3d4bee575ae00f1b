/** The distinct user and group numbers of an image, in one list; inodes hold numbers in that list. */
export class IdTable {
  readonly #numbers = new Map<number, number>();

  /** The number of an id in the table, which takes it in at its first use. `check-limits.ts` saw that there is room. */
  numberOf(id: number): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
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
