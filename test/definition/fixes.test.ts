import test from "ava";
import fc from "fast-check";
import { fixDefinition } from "../../src/definition/fix-definition.ts";
import { applyFixes } from "../../src/definition/fixes/apply-fixes.ts";
import { certainSuggestion } from "../../src/definition/fixes/certain-suggestion.ts";
import { fixers } from "../../src/definition/fixes/fixers.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { randomDefinition, randomNumbers } from "./random-definition.ts";

const options = { file: "x.def", agents: ["docker", "localimage", "scratch", "yum"] };
const docker = "Bootstrap: docker\nFrom: debian:12\n";

function fix(text: string | Uint8Array, encoding: BufferEncoding = "utf8") {
  const { bytes, fixed, remaining } = fixDefinition(Buffer.from(text), options);
  const codes = (found: typeof fixed) => found.map(({ code }) => code);
  return {
    text: Buffer.from(bytes).toString(encoding),
    fixed: codes(fixed),
    remaining: codes(remaining),
  };
}

/** For each finding what it becomes, and what stays because nobody can know what is meant. */
interface FixCases {
  readonly mended: readonly (readonly [before: string, after: string])[];
  readonly left: readonly string[];
}

const post = (line: string) => `${docker}%post\n${line}\n`;
const files = (line: string) => `${docker}%files\n${line}\n`;
const header = (line: string) => `Bootstrap: docker\n${line}\n`;
const twoStages = (heading: string) =>
  `Bootstrap: docker\nStage: build\n${docker}${heading}\n/a /b\n`;

const cases: Readonly<Record<string, FixCases>> = {
  "check/carriage-return": {
    mended: [
      [post("true\r\r\n\techo é\r\r"), post("true\r\n\techo é\r")],
      [`${post("a\r\r")}%test\nb\r\r\n`, `${post("a\r")}%test\nb\r\n`],
      [post("true\r\r\r\nfalse"), post("true\r\nfalse")],
    ],
    left: [post("true\rfalse"), post("echo {{ x }}\r\r\n%arguments\nx=1")],
  },
  "check/files-destination": {
    mended: [
      [files("a"), files("a /a")],
      [files("\t./b/c"), files("\t./b/c /b/c")],
      [files("d opt"), files("d /opt")],
      [files("d\t./opt/ # why"), files("d\t/opt/ # why")],
      [files("e ."), files("e /")],
      [files("e ./"), files("e /")],
      [files("e e"), files("e /e")],
      [files("é.txt\r\nß"), files("é.txt /é.txt\r\nß /ß")],
      [files("a").trimEnd(), files("a /a").trimEnd()],
    ],
    left: [
      files("../f"),
      files("a ../b"),
      files("a $HOME/b"),
      files("a ~/b"),
      files("*.txt"),
      files('"a b"'),
      files("a{b,c}"),
      files("{{ x }}\n%arguments\nx=a"),
    ],
  },
  "check/install-without-yes": {
    mended: [
      [post("apt-get install gcc"), post("apt-get -y install gcc")],
      [
        post("\tDEBIAN_FRONTEND=x sudo apt install \\\n gcc"),
        post("\tDEBIAN_FRONTEND=x sudo apt -y install \\\n gcc"),
      ],
      [post("# 𝄞é\nprintf 𝄞é && yum update\r"), post("# 𝄞é\nprintf 𝄞é && yum -y update\r")],
      [
        post("dnf group install x; microdnf update"),
        post("dnf -y group install x; microdnf -y update"),
      ],
      [post("zypper in gcc"), post("zypper -n in gcc")],
      [post("pacman -S gcc"), post("pacman --noconfirm -S gcc")],
      [
        `${docker}%appinstall a\nif true; then apt-get remove x; fi\n`,
        `${docker}%appinstall a\nif true; then apt-get -y remove x; fi\n`,
      ],
    ],
    left: [
      post('A="b c" apt-get install gcc'),
      post("apt-get install –y gcc"),
      post("apt-get install {{ x }}\n%arguments\nx=gcc"),
      post("apt-get \\\n install gcc # tsbuild: disable=x").replace("apt-get", '"apt-get"'),
    ],
  },
  "definition/byte-order-mark": { mended: [[`\ufeff${docker}`, docker]], left: [] },
  "definition/files-ignored": {
    mended: [
      [`${docker}%files \t\na /b\n`, `${docker}%files\na /b\n`],
      [`${docker}%Files  \r\na /b\n`, `${docker}%Files\r\na /b\n`],
    ],
    left: [`${docker}%files from a b\na /b\n`, `${docker}%files x\na /b\n`],
  },
  "definition/files-words": {
    mended: [
      [files("'a b' /opt/"), files('"a b" /opt/')],
      [files("\ta\\ b\t/opt/c\\ d"), files('\t"a b" "/opt/c d"')],
      [files("/opt/é/'a  b' /c"), files('"/opt/é/a  b" /c')],
    ],
    left: [files("'a b /opt/"), files("a\\*\\ b /c"), files('"a"b /c'), files("a # b")],
  },
  "definition/header-no-colon": {
    mended: [
      [header("From\tdebian"), header("From:\tdebian")],
      [header("  stage é\r\nFrom: a:1"), header("  stage: é\r\nFrom: a:1")],
      ["Bootstrap docker\nFrom: a:1\n", "Bootstrap: docker\nFrom: a:1\n"],
    ],
    left: [header("run x"), header("From")],
  },
  "definition/no-bootstrap": {
    mended: [
      ["From: debian:12\nBootstrap: docker\n", "Bootstrap: docker\nFrom: debian:12\n"],
      ["From: debian:12\nBootstrap: docker", "Bootstrap: docker\nFrom: debian:12"],
      ["From: debian:12\r\nBootstrap: docker", "Bootstrap: docker\r\nFrom: debian:12"],
      [
        "# a\r\nfrom: debian:12\r\n\r\n# b\r\nbootstrap:docker\r\nStage: x\r\n%post\r\ntrue\r\n",
        "# a\r\nbootstrap:docker\r\nfrom: debian:12\r\n\r\n# b\r\nStage: x\r\n%post\r\ntrue\r\n",
      ],
    ],
    left: [
      "From: debian:12\n",
      "From: debian:12\n%post\ntrue\nBootstrap: docker\n",
      "From: debian:12\nBootstrap: docker\nFrom: debian:11\n",
      "From: debian\\\n:12\nBootstrap: docker\n",
      "From: debian:12\n# Bootstrap: docker\n",
      "bootstrap:\nBootstrap: docker\nFrom: debian:12\n",
    ],
  },
  "definition/unknown-bootstrap": {
    mended: [
      ["Bootstrap: docker\\\nFrom: debian:12\n", "Bootstrap: docker\nFrom: debian:12\n"],
      ["Bootstrap: docker \\\r\nFrom: debian:12\n", "Bootstrap: docker\r\nFrom: debian:12\n"],
      ["Bootstrap: Docker\nFrom: a:1\n", "Bootstrap: docker\nFrom: a:1\n"],
      ["Bootstrap:  dokcer \r\nFrom: a:1\n", "Bootstrap:  docker \r\nFrom: a:1\n"],
    ],
    left: [
      "Bootstrap: docke\\\nFrom: debian:12\n",
      "Bootstrap: docker\\\n-daemo\n",
      "Bootstrap: debian\n",
      "Bootstrap: {{ x }}\n%arguments\nx=dokcer\n",
    ],
  },
  "definition/unknown-keyword": {
    mended: [
      [header("From debian:12"), header("From: debian:12")],
      [header("Form: a:1"), header("From: a:1")],
      [header("\tStgae: é\r"), header("\tStage: é\r")],
    ],
    left: [header("Foo: a"), header("OtherURL: a"), header("From a:1: 2").replace("From", "Fr m")],
  },
  "definition/unknown-section": {
    mended: [
      [`${docker}%pots\ntrue\n`, `${docker}%post\ntrue\n`],
      [`${docker}%POST\t-c /bin/sh -e\r\ntrue\n`, `${docker}%post -c /bin/sh -e\r\ntrue\n`],
      [`${docker}% post\ntrue\n`, `${docker}%post\ntrue\n`],
      [`${docker}%enviroment:\nA=1\n`, `${docker}%environment\nA=1\n`],
      [`${docker}%AppRun foo\ntrue\n`, `${docker}%apprun foo\ntrue\n`],
      [`${docker}%aprun foo\ntrue`, `${docker}%apprun foo\ntrue`],
    ],
    left: [
      `${docker}%instal\n`,
      `${docker}%AppRun\n`,
      `${docker}%build\n`,
      `${docker}%post\n  %test\n`,
      `${docker}%post\ncat <<EOF\n% post\nEOF\n`,
      `${docker}%d\n`,
      `${docker}%post-install\n`,
    ],
  },
  "definition/unknown-stage": {
    mended: [
      [twoStages("%files from biuld"), twoStages("%files from build")],
      [twoStages("%Files from Build # x\r"), twoStages("%Files from build # x\r")],
    ],
    left: [twoStages("%files from other"), twoStages("%files from {{ x }}\n%arguments\nx=biuld")],
  },
};

test("every fix has its cases", (t) => {
  t.deepEqual(Object.keys(cases).toSorted(), Object.keys(fixers).toSorted());
});

for (const [code, { mended, left }] of Object.entries(cases)) {
  for (const [index, [before, after]] of mended.entries()) {
    test(`${code} is mended (${index + 1})`, (t) => {
      const first = fix(before);
      t.is(first.text, after);
      t.true(first.fixed.includes(code), `fixed: ${first.fixed.join(", ")}`);
      t.false(first.remaining.includes(code));
      t.not(readDefinition(first.text, options).definition, undefined);
      t.deepEqual(fix(first.text).fixed, [], "a second time there is nothing to do");
    });
  }
  for (const [index, text] of left.entries()) {
    test(`${code} is left where its meaning is not certain (${index + 1})`, (t) => {
      const { text: after, remaining } = fix(text);
      t.is(after, text);
      t.true(remaining.includes(code), `remaining: ${remaining.join(", ")}`);
    });
  }
}

test("bytes that are no UTF-8 come through a fix unharmed", (t) => {
  const before = Buffer.from(
    `${docker}%files\n\xe9\xff.txt é\nb\n%pots\nyum update # \xe9\n`,
    "latin1",
  );
  const after = `${docker}%files\n\xe9\xff.txt /é\nb /b\n%post\nyum -y update # \xe9\n`;
  const { text, fixed } = fix(before, "latin1");
  t.is(text, after);
  t.is(fixed.length, 4);
});

test("one fix brings the next to light", (t) => {
  const { text, fixed } = fix("Bootstrap: docker\nForm: a:1\n%pots\napt-get install x\n");
  t.is(text, "Bootstrap: docker\nFrom: a:1\n%post\napt-get -y install x\n");
  t.deepEqual(fixed, [
    "definition/unknown-keyword",
    "definition/unknown-section",
    "check/install-without-yes",
  ]);
});

test("a comment against a rule is one against its fix", (t) => {
  const text = post("apt-get install x # tsbuild: disable=install-without-yes");
  t.is(fix(text).text, text);
});

const mending = (start: number, end: number, text: string) => ({
  severity: "warning" as const,
  code: "check/x",
  message: "",
  location: { file: "x.def", line: 1, column: 1, length: 0 },
  fix: { title: "x", edits: [{ start, end, text }] },
});

test("fixes that touch each other are not applied together", (t) => {
  const { text, fixed } = applyFixes("abcdef", [
    mending(3, 5, "Y"),
    mending(0, 2, "X"),
    mending(4, 6, "Z"),
    mending(2, 2, "!"),
  ]);
  t.is(text, "XcYf");
  t.is(fixed.length, 2);
});

test("a suggestion is certain when it is near and no other is as near", (t) => {
  t.is(certainSuggestion("pots", ["post", "test"]), "post");
  t.is(certainSuggestion("pot", ["post", "pit"]), undefined);
  t.is(certainSuggestion("enviromnet", ["environment"]), "environment");
  t.is(certainSuggestion("lebals", ["labels"]), undefined);
});

test("a definition that can be read can still be read when it is mended, and mending ends", (t) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const bytes = Buffer.from(randomDefinition(randomNumbers(seed)));
      const { bytes: after, fixed } = fixDefinition(bytes, options);
      if (fixed.length === 0) return bytes.equals(after);
      const wasReadable = readDefinition(bytes, options).definition !== undefined;
      const isReadable = readDefinition(after, options).definition !== undefined;
      return (isReadable || !wasReadable) && fixDefinition(after, options).fixed.length === 0;
    }),
    { numRuns: 500 },
  );
  t.pass();
});
