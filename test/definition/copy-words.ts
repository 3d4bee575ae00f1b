// How lines of `%files` are cut into words.

/** Line, source and destination; the words of a line without a destination are equal. */
export const copyWords: readonly (readonly [line: string, source: string, destination: string])[] =
  [
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
