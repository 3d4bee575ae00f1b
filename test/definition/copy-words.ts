// How lines of `%files` are cut into words.

/** Line, source and destination; the words of a line without a destination are equal. */
type CopyWords = readonly (readonly [line: string, source: string, destination: string])[];

export const copyWords: CopyWords = [
  ["a /x", "a", "/x"],
  ["\ta\t/x\t", "a", "/x"],
  ["a", "a", "a"],
  ["a /x b c", "a", "/x"],
  ["a /x # c", "a", "/x"],
  ["a.txt#x", "a.txt#x", "a.txt#x"],
  ["a #q", "a", "#q"],
  ['a "/x y"', "a", "/x y"],
  ['"a b" /z', "a b", "/z"],
  ['a ""', "a", "a"],
  ['a /x" y', "a", "/x"],
  ["a'b /q", "a", "'b /q"],
  ["'sp ace' /x", "'sp ace", "' /x"],
  ["sp\\ ace /x", "sp\\", "ace"],
  ['"a"b c', "a", "b"],
  ['"a /t', "a", "/t"],
  ["a /#x{{ v }} z", "a", "/#x{{ v }}"],
  ["a /q\u00a0r", "a", "/q\u00a0r"],
  ["a\u000b/w", "a\u000b/w", "a\u000b/w"],
];

/** The same in files that are no UTF-8, with one character for each byte: only what is UTF-8 is white space. */
export const copyByteWords: CopyWords = [
  ["\xa0a /x", "\xa0a", "/x"],
  ["a\x85 /x\xa0", "a\x85", "/x\xa0"],
  ["\xffa /\xc3\xa0", "\xffa", "/\xc3\xa0"],
  ["\xffa /x\xe3\x80\x80", "\xffa", "/x"],
  ["\xe2\x80\xa8\xffa /x\xc2\x85", "\xffa", "/x"],
  ['"\xc2\xa0\xffa" /x', "\xc2\xa0\xffa", "/x"],
];
