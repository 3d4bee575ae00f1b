/** A number of bytes for people: `512 B`, `3.4 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    // What would be rounded to 1024 belongs to the next unit.
    if (value < 1023.5) return `${shortNumber(value, unit === "B")} ${unit}`;
    value /= 1024;
  }
  return `${shortNumber(value, false)} TiB`;
}

const shortNumber = (value: number, isWhole: boolean) =>
  isWhole || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1);

/** A time for people: `0.4s`, `12.3s`, `2m05s`, `1h02m`. */
export function formatElapsed(elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}h${two(minutes)}m` : `${minutes}m${two(whole % 60)}s`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** Bytes from a text like `500M`, `20G`, `1.5 TiB` or `1048576`; units are powers of 1024. Undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const bytes = Number(number) * 1024 ** " KMGT".indexOf(unit === "" ? " " : unit.toUpperCase());
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

/** Milliseconds from a text like `90m`, `12h`, `30d`, `2w`, or days without a unit. Undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const [, number, unit = "d"] = /^(\d+(?:\.\d+)?) ?([smhdw]?)$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[unit === "" ? "d" : unit];
  return seconds === undefined ? undefined : Number(number) * seconds * 1000;
}
