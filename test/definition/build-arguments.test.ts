import test from "ava";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { csvRecord } from "../../src/definition/csv-record.ts";

const valuesOf = (flags: readonly string[], ...texts: string[]) => {
  const files = texts.map((text, index) => ({ name: `file${index}`, text }));
  const { buildArguments, diagnostics } = parseBuildArguments({ flags, files });
  return {
    values: Object.fromEntries(
      [...buildArguments.values()].map(({ name, value }) => [name, value]),
    ),
    codes: diagnostics.map(({ code }) => code),
  };
};

test("a flag is a list of name=value", (t) => {
  t.deepEqual(valuesOf(["a=1,b = x y ", "c="]), {
    values: { a: "1", b: "x y", c: "" },
    codes: [],
  });
});

test("later flags win over earlier ones, and flags over files", (t) => {
  const { values } = valuesOf(["a=1", "a=2"], "a=0\nb=0\n", "b=1\r\nc=1");
  t.deepEqual(values, { a: "2", b: "1", c: "1" });
});

test("quotes hold commas and line feeds", (t) => {
  t.deepEqual(valuesOf(['"a=1,2",b=3', '"c=x\ny"']).values, { a: "1,2", b: "3", c: "x\ny" });
});

test("what is no name=value is refused, and the others are kept", (t) => {
  for (const flag of ["v", "=1", "a=1,", 'a="1', '"a=1', '"a=1"x']) {
    t.deepEqual(valuesOf([flag, "ok=1"]).codes, ["usage/build-argument"], flag);
    t.is(valuesOf([flag, "ok=1"]).values["ok"], "1");
  }
});

test("of a file, blank lines and comments are left out, and other lines with a warning", (t) => {
  const { buildArguments, diagnostics } = parseBuildArguments({
    flags: [],
    files: [{ name: "f", text: "# c\n\n#b=2\n  bad\na=#1 # 2\n" }],
  });
  t.deepEqual([...buildArguments.keys()], ["a"]);
  t.like(buildArguments.get("a"), { value: "#1 # 2", location: { file: "f", line: 5 } });
  t.deepEqual(
    diagnostics.map(({ severity, code, location }) => ({ severity, code, location })),
    [
      {
        severity: "warning",
        code: "definition/argument-line",
        location: { file: "f", line: 4, column: 3, length: 3 },
      },
    ],
  );
});

test("records of CSV", (t) => {
  t.deepEqual(csvRecord(""), []);
  t.deepEqual(csvRecord("\n\r\n"), []);
  t.deepEqual(csvRecord("a,,b"), ["a", "", "b"]);
  t.deepEqual(csvRecord("\na\nb"), ["a"]);
  t.deepEqual(csvRecord("a\r\nb"), ["a"]);
  t.deepEqual(csvRecord(' "'), "a quote stands in the middle of a value");
  t.deepEqual(csvRecord('"a""b",""'), ['a"b', ""]);
  t.deepEqual(csvRecord('"a\r\nb"\n'), ["a\nb"]);
  t.deepEqual(csvRecord('"a" ,b'), "there is text between a closing quote and the next comma");
  t.deepEqual(csvRecord('"a'), "a quote is not closed");
});
