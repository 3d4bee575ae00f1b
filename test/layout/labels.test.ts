import test from "ava";
import { labelsFile, parseLabels, readLabels } from "../../src/layout/labels.ts";
import { toByteString } from "../../src/model/bytes-path.ts";

test("lines of labels", (t) => {
  const text = ' A b\n C   d e  f \n# com\n  # com2\n E\n G\th\n I=j\n "K L" m\n A z\n N o # p\n\n';
  t.deepEqual(Object.fromEntries(parseLabels(text)), {
    A: "z",
    C: "d e  f",
    E: "",
    "G\th": "",
    "I=j": "",
    '"K': 'L" m',
    N: "o # p",
  });
});

test("a backslash at the end of a line continues nothing", (t) => {
  t.deepEqual(
    [...parseLabels("A b \\\nC d\n")],
    [
      ["A", "b \\"],
      ["C", "d"],
    ],
  );
});

test("a value that ends in the byte 0xa0 keeps it: it may be the end of à", (t) => {
  t.deepEqual([...parseLabels(`A voil${toByteString("à")}\n`)], [["A", toByteString("voilà")]]);
});

test("a file is read back as it was written", (t) => {
  const labels = new Map([
    ["k", toByteString("a<b>&c\nü")],
    ["__proto__", "x"],
  ]);
  const read = readLabels(toByteString(labelsFile(labels)), "l");
  t.deepEqual(
    [...read].toSorted(([a], [b]) => (a < b ? 1 : -1)),
    [...labels],
  );
});

test("null stands for no labels, as in an OCI image without any", (t) => {
  t.is(readLabels("null", "l").size, 0);
});

for (const [json, what] of [
  ["{", /is not JSON/],
  ["[]", /is not an object/],
  ['{"a":1}', /has no text for "a"/],
] as const) {
  test(`labels that are ${json} are an error that names the file`, (t) => {
    const error = t.throws(() => readLabels(json, ".singularity.d/labels.json"), {
      code: "layout/labels",
      message: what,
    });
    t.regex(error?.message ?? "", /^\/\.singularity\.d\/labels\.json /);
  });
}
