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
