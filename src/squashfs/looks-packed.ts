/** How many bytes are looked at, spread evenly. */
const sampleBytes = 4096;
/** Fewer say too little. */
const leastBytes = 1024;

const counts = new Uint16Array(256);

/**
 * Whether bytes look like compressed or encrypted data already: all values about equally often. Quick, and the same on
 * every machine: it counts in whole numbers.
 */
export function looksPacked(bytes: Uint8Array): boolean {
  if (bytes.length < leastBytes) return false;
  const step = Math.max(1, Math.floor(bytes.length / sampleBytes));
  counts.fill(0);
  let looked = 0;
  for (let at = 0; at < bytes.length && looked < sampleBytes; at += step) {
    const value = bytes[at] ?? 0;
    counts[value] = (counts[value] ?? 0) + 1;
    looked += 1;
  }
  let squares = 0;
  for (const count of counts) squares += count * count;
  // The number of pairs of equal bytes, against what chance would give (1 in 256) and a quarter more.
  return (squares - looked) * 256 * 4 < looked * (looked - 1) * 5;
}
