/**
 * The fields of one line of comma-separated values, as Go's `encoding/csv` reads it, which is how Apptainer reads the
 * value of `--build-arg`: a field may stand in double quotes, and then hold commas, line feeds and doubled quotes.
 * Only the first record counts; what stands behind an unquoted line feed is not read.
 * @returns the fields, or in words what is wrong
 */
export function csvRecord(text: string): readonly string[] | string {
  const line = text.replace(/^(?:\r?\n)+/, "");
  const fields: string[] = [];
  if (line === "") return fields;
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      const field = quotedField(line, at);
      if (field === undefined) return "a quote is not closed";
      fields.push(field.value);
      at = field.end;
      if (!/^(?:,|\r?\n|\r?$)/.test(line.slice(at, at + 2))) {
        return "there is text between a closing quote and the next comma";
      }
    } else {
      const [field = ""] = /^[^,\n]*/.exec(line.slice(at)) ?? [];
      if (field.includes('"')) return "a quote stands in the middle of a value";
      at += field.length;
      fields.push(at === line.length || line[at] === "\n" ? field.replace(/\r$/, "") : field);
    }
    if (line[at] !== ",") return fields;
    at++;
  }
}

function quotedField(line: string, start: number): { value: string; end: number } | undefined {
  let value = "";
  let at = start + 1;
  for (;;) {
    const quote = line.indexOf('"', at);
    if (quote === -1) return undefined;
    value += line.slice(at, quote);
    if (line[quote + 1] !== '"') return { value: value.replaceAll("\r\n", "\n"), end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
