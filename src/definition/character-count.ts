/** How many characters (code points) a text has, as columns and lengths of places are counted. */
export function characterCount(text: string): number {
  // Without surrogates, as nearly always, each code unit is one.
  return /[\ud800-\udfff]/.test(text) ? Array.from(text).length : text.length;
}
