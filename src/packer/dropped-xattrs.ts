import type { ByteString } from "../model/bytes-path.ts";

/** Extended attributes that were left out, by name: one line to tell instead of thousands. */
export class DroppedXattrs {
  readonly #byName = new Map<ByteString, { readonly path: ByteString; count: number }>();

  add(path: ByteString, name: ByteString): void {
    const known = this.#byName.get(name);
    if (known === undefined) this.#byName.set(name, { path, count: 1 });
    else known.count += 1;
  }

  /** Each name with the first file that had it. */
  list(): { readonly name: ByteString; readonly path: ByteString; readonly count: number }[] {
    return [...this.#byName].map(([name, { path, count }]) => ({ name, path, count }));
  }
}
