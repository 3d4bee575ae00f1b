// Definitions put together from pieces that are near the edges of the language.

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const keys = ["From", "from", "STAGE", " Include", "MirrorURL ", "OtherURL7", "\tOSVersion"];
const values = [
  "a",
  "a b # c",
  "",
  " x:y ",
  '"q"',
  "a \\",
  "a\\n\\",
  "\\",
  "a \\ # c",
  "{{ v }}",
  "x#{{ v }}",
  "# {{ nope }}",
  "é\u00a0",
  "\u00a0z\u0085",
  "a\rb",
  "\u2003w",
];
const headings = [
  "%help",
  "%help ",
  "%HELP # c",
  "%%help x",
  "%runscript -e # c",
  "%environment",
  "%labels",
  "%startscript",
  "%files",
  "%files  ",
  "%files x",
  "%arguments",
];
const lines = [
  "",
  " ",
  "# c",
  "\tx",
  "x \\",
  "echo %help",
  "\\%help",
  " bootstrap: docker",
  "xbootstrap: q",
  "{{ v }} {{w}}",
  "# {{ nope }}",
  "#!{{ v }}",
  "{{\nv\n}}",
  "{{ v }}#{{ w }}#x{{ nope }}",
  "{{{ v }}} {{ a-b }} {{}}",
  "{{\tw\r\n}}",
  "x\r",
  "\u00a0y",
  "grüße 世界",
  "\ufeffz",
];
const argumentLines = [
  "v=1",
  " w = {{ v }}-2 ",
  "v={{ w }}",
  "w=#!x",
  "noequals",
  "# c",
  "=x",
  "a b=c",
];
const rarities = [
  "Foo: bar",
  "no colon",
  ":",
  "From",
  "%foo",
  " %help",
  "\t%help",
  "% help",
  "%",
  "%apprun",
  "%apprun  x",
  "%AppRun x",
  "%help\tx",
  "\u00a0%help",
  "{{ nope }}",
  "Bootstrap : scratch",
  "%files from nowhere",
  "bootſtrap: scratch",
  "OtherURL: x",
];

/** A definition that builds without a shell if it is accepted, and is so more often than not. */
export function randomDefinition(random: () => number): string {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const some = (most: number, make: () => string) =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, make);
  const end = () => (random() < 0.1 ? "\r\n" : "\n");
  const rows: string[] = [];
  if (random() < 0.2) rows.push(...some(2, () => pick(["# c", "", "#!/bin/x", " ", "From: \\"])));
  for (let stage = random() < 0.25 ? 2 : 1; stage > 0; stage--) {
    rows.push(pick(["Bootstrap: scratch", "bootstrap:scratch # c", "BOOTSTRAP: \tscratch "]));
    rows.push(...some(3, () => `${pick(keys)}:${pick(["", " "])}${pick(values)}`));
    if (random() < 0.2) rows.push(pick(["# c", "", "  "]));
    if (random() < 0.8)
      rows.push("%arguments", "v=V", ...some(3, () => pick(argumentLines)), "w=W");
    for (const heading of some(4, () => pick(headings))) {
      const body = heading.startsWith("%files") ? ["# c"] : lines;
      const own = heading === "%arguments" ? argumentLines : body;
      rows.push(heading, ...some(4, () => pick(own)));
    }
  }
  if (random() < 0.25) rows.splice(Math.floor(random() * (rows.length + 1)), 0, pick(rarities));
  const text = rows.map((row) => row + end()).join("");
  return random() < 0.15 ? text.replace(/\r?\n$/, "") : text;
}

/** The same with some of its lines marked as text. */
export function someMarked(text: string, random: () => number): string {
  const marks = ["%\\", "  %\\", "\t%\\%", "%\\%\\"];
  return text.replaceAll("\n", () =>
    random() < 0.2 ? `\n${marks[Math.floor(random() * marks.length)]}` : "\n",
  );
}
