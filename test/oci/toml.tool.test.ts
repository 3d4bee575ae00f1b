import test from "ava";
import { execa } from "execa";
import { parseToml } from "../../src/oci/toml.ts";
import { toolTest } from "../helpers/tool.ts";

const good: readonly string[] = [
  "",
  "# nothing\n\n  # but comments",
  'a = "b"',
  "a = 'C:\\x'\r\nb = true # yes\r\nc=false\n",
  'unqualified-search-registries = ["docker.io", "quay.io",]',
  'a = [\n  "x", # one\n  "y"\n\n]\nb = 1',
  '[[registry]]\nprefix = "docker.io"\nlocation = "mirror"\n[[registry.mirror]]\nlocation = "m1"\n[[registry.mirror]]\nlocation = "m2"\ninsecure = true\n[[registry]]\nlocation = "quay.io"\n',
  '[aliases]\n"alpine" = "docker.io/library/alpine"\n"a.b/c" = "d"\n',
  "a.b.c = 1\na.b.d = -2\n[x.y]\nz = 1_000\n[x]\nw = 1.5",
  'mirror = [{location = "a", insecure = true}, {}, {location = "b"}]',
  'a = """\nfirst\n  second \\\n   third "quoted" \\u00e9\\t\\"x\\""""',
  "a = '''\nraw \\n 'x' '''",
  'a = """x"""""',
  'a = "\\U0001F600 \\\\ \\b"',
  '"quoted key" = 1\n\'other\' = 2\n"" = 3',
  'a = [[1, 2], [], ["x"]]',
  '[a]\nb = "#no comment" # comment',
  "__proto__ = 1\nconstructor = 2",
];

for (const text of good) {
  toolTest(
    ["python3"],
    `read as Python reads it: ${JSON.stringify(text).slice(0, 60)}`,
    async (t) => {
      const { stdout } = await execa(
        "python3",
        [
          "-c",
          "import json, sys, tomllib; json.dump(tomllib.loads(sys.stdin.buffer.read().decode()), sys.stdout)",
        ],
        { input: text },
      );
      t.deepEqual(JSON.parse(JSON.stringify(parseToml(text))), JSON.parse(stdout));
    },
  );
}

for (const [text, line] of [
  ["a", 1],
  ["a =", 1],
  ["x = 1\na = b", 2],
  ['a = "b', 1],
  ['a = "b\nc"', 1],
  ["a = [1, 2", 1],
  ["a = [1 2]", 1],
  ["a = 1 b = 2", 1],
  ["[a", 1],
  ["[[a]", 1],
  ["a = 1\na = 2", 2],
  ["a = 1\n[a]\nb = 1", 2],
  ["a = 1\n[[a]]", 2],
  ['a = "\\q"', 1],
  ['a = "\\u12"', 1],
  ["= 1", 1],
  [`a = ${"[".repeat(1000)}`, 1],
] as const) {
  test(`refused with its line: ${JSON.stringify(text).slice(0, 40)}`, (t) => {
    t.throws(() => parseToml(text), { message: new RegExp(`^line ${line}: `) });
  });
}
