import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { checkDefinition } from "../../src/definition/check-definition.ts";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { printDiagnostic } from "../../src/definition/print-diagnostic.ts";
import { fixDefinition } from "../../src/definition/fix-definition.ts";
import { formatDefinition } from "../../src/definition/format-definition.ts";
import { DefinitionError } from "../../src/model/error.ts";
import { platformOf } from "../../src/model/platform.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { maxLength } from "../../src/definition/substitute.ts";
import { randomDefinition, randomNumbers, someMarked } from "./random-definition.ts";

const near = fc.tuple(fc.nat(), fc.boolean()).map(([seed, hasMarks]) => {
  const random = randomNumbers(seed);
  const text = randomDefinition(random);
  return hasMarks ? someMarked(text, random) : text;
});

/** A text like a definition with stretches of it taken out, doubled or replaced. */
const mutated = fc
  .tuple(near, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 20 }), fc.string()), { maxLength: 4 }))
  .map(([text, edits]) => {
    let result = text;
    for (const [place, length, put] of edits) {
      const at = place % (result.length + 1);
      result = result.slice(0, at) + put + result.slice(at + length);
    }
    return result;
  });

/** Pieces of shell in any order, quotes and brackets open and closed. */
const shell = fc
  .array(
    fc.constantFrom(
      ..."apt-get install -y|sudo|'|\"|`|$(|${|(|)|{|}|[[|]]|<<EOF|EOF|<<-'E'|\n|\\\n|\\|#|;|&&|x=(|<(|&>|>|((|))|a=b|if|set -e| |é|\t".split(
        "|",
      ),
    ),
    { maxLength: 30 },
  )
  .map(
    (parts) => `Bootstrap: docker\n%post\n${parts.join(" ")}\n%environment\n${parts.join("")}\n`,
  );

const flags = fc.array(fc.oneof(fc.constantFrom("v=1", "w={{ v }}", "nope=#"), fc.string()), {
  maxLength: 2,
});

function holdsTogether(t: ExecutionContext, source: string | Uint8Array, given: string[]): void {
  const { buildArguments, diagnostics: usage } = parseBuildArguments({ flags: given, files: [] });
  const { definition, diagnostics } = readDefinition(source, { file: "x.def", buildArguments });
  const text = typeof source === "string" ? source : Buffer.from(source).toString("latin1");
  const lines = text.split("\n").length;
  for (const one of [...usage, ...diagnostics]) {
    if (one.location.file === "x.def") {
      t.true(one.location.line >= 1 && one.location.line <= lines, JSON.stringify(one));
      t.true(one.location.column >= 1 && one.location.length >= 0, JSON.stringify(one));
    }
    t.regex(one.code, /^[a-z]+\/[a-z-]+$/);
    t.true(printDiagnostic(one, text).length > one.message.length);
  }
  // Nothing in these texts switches anything off.
  t.true(checkDefinition({ definition, diagnostics }).length >= diagnostics.length);
  t.is(
    definition === undefined,
    diagnostics.some(({ severity }) => severity === "error"),
  );
  for (const section of definition?.stages.flatMap((stage) => stage.sections) ?? []) {
    t.true(section.body === "" || section.body.endsWith("\n"));
    t.is(section.lines.length, section.body.split("\n").length - 1, JSON.stringify(section));
  }
}

test("no text makes the reader throw, and what it says holds together", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(near, mutated, shell, fc.string({ unit: "binary" })),
      flags,
      (text, given) => {
        holdsTogether(t, text, given);
      },
    ),
    { numRuns: 1500 },
  );
  t.pass();
});

test("no bytes make the reader throw, and accepted ones are stored as they are", (t) => {
  const bytes = fc
    .tuple(mutated, fc.uint8Array({ maxLength: 8 }), fc.nat())
    .map(([text, extra, place]) => {
      const whole = Buffer.from(text, "utf8");
      const at = place % (whole.length + 1);
      return Buffer.concat([whole.subarray(0, at), extra, whole.subarray(at)]);
    });
  fc.assert(
    fc.property(bytes, flags, (source, given) => {
      holdsTogether(t, source, given);
      const { definition } = readDefinition(source, { file: "x.def" });
      if (definition === undefined) return;
      t.deepEqual(Buffer.from(definition.source, definition.encoding), source);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test("a definition without placeholders is stored byte for byte", (t) => {
  fc.assert(
    fc.property(mutated, (text) => {
      const plain = text.replaceAll("{", "(");
      const { definition } = readDefinition(Buffer.from(plain), { file: "x.def" });
      if (definition === undefined) return;
      const whole = Buffer.from(plain).toString(definition.encoding);
      t.true(whole.endsWith(definition.stored), JSON.stringify(plain));
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

/** What the action gives; undefined where it refuses the definition. */
function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof DefinitionError) return undefined;
    throw error;
  }
}

test("no text makes the formatter, the fixes or the planner throw anything but our errors", (t) => {
  fc.assert(
    fc.property(fc.oneof(near, mutated, shell, fc.string({ unit: "binary" })), (text) => {
      const { definition } = readDefinition(text, { file: "x.def" });
      const formatted = unlessRefused(() => formatDefinition(text));
      // Build arguments apart, what can be read can be formatted.
      if (definition !== undefined && formatted !== undefined) {
        t.is(formatDefinition(formatted), formatted);
      }
      const fixed = fixDefinition(Buffer.from(text), { file: "x.def" });
      t.true(fixed.fixed.length > 0 || Buffer.from(text).equals(fixed.bytes));
      t.deepEqual(fixDefinition(fixed.bytes, { file: "x.def" }).fixed, [], text);
      if (definition === undefined) return;
      const sections = sectionSwitch([]);
      const platform = platformOf("x64");
      makePlan(definition, { platform, format: "sif", sections, runTests: true });
    }),
    { numRuns: 1000 },
  );
});

test("what is stored reads the same again", (t) => {
  fc.assert(
    fc.property(near, (text) => {
      const first = readDefinition(text, { file: "x.def" }).definition;
      if (first === undefined || /\{\{\s*\w+\s*\}\}/.test(first.stored)) return;
      const again = readDefinition(first.stored, { file: "x.def" }).definition;
      const shape = (definition: typeof first | undefined) =>
        definition?.stages.map(({ header, sections }) => [
          header.map(({ key, value }) => [key, value]),
          sections.map(({ name, app, argument, body }) => [name, app, argument, body]),
        ]);
      t.deepEqual(shape(again), shape(first));
      t.is(again?.stored, first.stored);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

/** Milliseconds for one reading. */
/** The processor's milliseconds, which others on the machine don't lengthen as they do those of the clock. */
function timeOf(text: string): number {
  const before = process.cpuUsage();
  readDefinition(text, { file: "x.def" });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const megabytes = 10;
const fill = (unit: string) => unit.repeat(Math.ceil((megabytes * 1024 * 1024) / unit.length));
const head = "Bootstrap: docker\nFrom: debian:12\n%arguments\nv=1\n%post\n";
const large: Readonly<Record<string, string>> = {
  "lines of a script": head + fill("    echo one two three four five\n"),
  "blank lines": head + fill("\n"),
  "one line": head + fill("x"),
  "one line of blanks": head + fill(" "),
  "placeholders on one line": head + fill("{{ v }} "),
  "placeholders in comments": head + fill("# {{ v }} {{ v }}\n"),
  "placeholders behind one #": `${head}# ${fill("{{ v }}")}`,
  "half placeholders": head + fill("{{ v "),
  "undefined placeholders": head + fill("{{ nope }}\n"),
  sections: head + fill("%help\nx\n"),
  "unknown sections": head + fill("%nope\n"),
  "no colons": fill("no colon\n"),
  "header lines": `Bootstrap: docker\n${fill("From: x\n")}`,
  "a value of backslashes": `Bootstrap: docker\nFrom: ${"\\ ".repeat(100_000)}`,
  "hashes and exclamation marks": `${head}${fill("#!")} {{ v }}`,
  stages: fill("Bootstrap: docker\n".repeat(3) + "%post\n" + "x".repeat(4000) + "\n"),
  heredocs: `Bootstrap: docker\n${`%post\ncat <<EOF\n${"x\n".repeat(50)}`.repeat(2000)}`,
  "lines of %files": `Bootstrap: docker\n%files\n${fill("a b\n").slice(0, 2_000_000)}`,
  "an odd line of %files": `Bootstrap: docker\n%files\n${fill("{{a")}\n`,
  zeros: fill("\0"),
};

for (const [title, text] of Object.entries(large)) {
  test.serial(`in seconds, however large: ${title}`, (t) => {
    const time = timeOf(text);
    t.true(time < 20_000, `${Math.round(time)} ms`);
    t.log(`${Math.round(time)} ms for ${text.length} characters`);
  });
}

/** Lines that are each a mistake, below the limits of what is read. */
const wrong: Readonly<Record<string, string>> = {
  "unknown sections": `Bootstrap: a\n${"%nope\n".repeat(19_999)}`,
  "unknown sections below a script": `Bootstrap: a\n%post\n${"%nope\n".repeat(19_000)}`,
  "unknown sections between others": `Bootstrap: a\n${"%nope\n%help\nx\n".repeat(9999)}`,
  "lines without a colon": `Bootstrap: a\n${"no colon\n".repeat(29_000)}`,
  "unknown keywords": `Bootstrap: a\n${"Fooo: x\n".repeat(30_000)}`,
  "stages without a name": "Bootstrap: a\n%files from x\n".repeat(20_000),
  "undefined arguments on one line": `Bootstrap: a\n%help\n${Array.from({ length: 50_000 }, (_, index) => `{{ a${index} }}`).join(" ")}\n`,
};

for (const [title, text] of Object.entries(wrong)) {
  test.serial(`in seconds, and without end of the stack: thousands of ${title}`, (t) => {
    const time = timeOf(text);
    t.true(time < 20_000, `${Math.round(time)} ms`);
  });
}

test("values that multiply are refused before they fill the memory", (t) => {
  const { definition, diagnostics } = readDefinition(
    `Bootstrap: docker\n%arguments\na=${"x".repeat(100_000)}\nb=${"{{ a }}".repeat(1000)}\n%post\n{{ b }}{{ b }}\n`,
    { file: "x.def" },
  );
  t.is(definition, undefined);
  t.like(diagnostics, [{ code: "definition/too-large" }]);
  t.true(maxLength < 2 ** 27);
});

const lines = (unit: string) => unit.repeat(Math.ceil(1e6 / unit.length));
const checked: Readonly<Record<string, string>> = {
  installations: `%post\n${lines("apt-get install x\n")}`,
  redirections: `%environment\n${lines("> a ")}`,
  patterns: `%environment\ncase x in\n${lines("a|b) c;;\n")}esac\n`,
  assignments: `%environment\n${lines("A=b ")}`,
  "lines of %files": `%files\n${lines("a b\n")}`,
  functions: `%environment\n${lines("f() { g; }\n")}`,
};

for (const [name, sections] of Object.entries(checked)) {
  test(`a megabyte of ${name} is checked in time`, (t) => {
    const text = `Bootstrap: docker\nFrom: debian:12\n${sections}`;
    const start = process.cpuUsage();
    checkDefinition(readDefinition(text, { file: "x.def" }));
    const { user } = process.cpuUsage(start);
    t.log(`${Math.round(user / 1000)} ms`);
    // What goes through all of the script for each of its commands takes longer than this.
    t.true(user < 10_000_000);
  });
}
