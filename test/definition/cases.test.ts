import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";

/** A definition whose reading was checked against Apptainer 1.4.5, apart from the differences we chose. */
interface Case {
  readonly id: string;
  readonly definition?: string;
  /** Texts and how often each is repeated. */
  readonly parts?: readonly (readonly [string, number])[];
  readonly flags?: readonly string[];
  readonly files?: readonly { readonly name: string; readonly text: string }[];
  readonly warnUnused?: boolean;
  /** The code of an error there must be; without it there may be none. */
  readonly error?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly headerAbsent?: readonly string[];
  readonly sections?: Readonly<Record<string, string>>;
  readonly stored?: string;
}

const agents = [
  "arch",
  "busybox",
  "debootstrap",
  "dnf",
  "docker",
  "docker-archive",
  "docker-daemon",
  "library",
  "localimage",
  "oci",
  "oci-archive",
  "oras",
  "scratch",
  "shub",
  "yum",
  "zypper",
];

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, "cases.json"), "utf8"),
) as readonly Case[];

for (const one of cases) {
  test(one.id, (t) => {
    const text =
      one.definition ?? (one.parts ?? []).map(([part, times]) => part.repeat(times)).join("");
    const given = parseBuildArguments({ flags: one.flags ?? [], files: one.files ?? [] });
    const { definition, diagnostics } = readDefinition(Buffer.from(text), {
      file: "case.def",
      buildArguments: given.buildArguments,
      warnUnused: one.warnUnused,
      agents,
    });
    const codes = [...given.diagnostics, ...diagnostics]
      .filter(({ severity }) => severity === "error")
      .map(({ code }) => code);
    if (one.error !== undefined) {
      t.true(codes.includes(one.error), `${one.error} is missing among: ${codes.join(", ")}`);
      return;
    }
    t.deepEqual(codes, []);
    const stage = definition?.stages.at(-1);
    for (const [key, value] of Object.entries(one.header ?? {})) {
      t.is(stage?.header.find((field) => field.key === key)?.value, value);
    }
    for (const key of one.headerAbsent ?? []) {
      t.is(
        stage?.header.find((field) => field.key === key),
        undefined,
      );
    }
    for (const [name, body] of Object.entries(one.sections ?? {})) {
      t.is(stage?.sections.find((section) => section.name === name)?.body, body);
    }
    if (one.stored !== undefined) t.is(definition?.stored, one.stored);
  });
}
