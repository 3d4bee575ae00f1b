/** When an image is built, and in which time zone its date is told. */
export interface BuildTime {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  /** A name of the time zone database, `UTC` for builds with a fixed time; the machine's own zone without it. */
  readonly timeZone?: string | undefined;
}

/**
 * The date as labels have it: `Monday_23_November_2026_13:16:11_UTC`, English words and no zero before a single digit.
 * The format is Apptainer's; programs look for it under `org.label-schema.build-date`.
 */
export function buildDate(time: BuildTime): string {
  const date = new Date(time.seconds * 1000);
  const format = new Intl.DateTimeFormat("en-US", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
    timeZone: time.timeZone,
  });
  const parts = Object.fromEntries(
    format.formatToParts(date).map((part) => [part.type, part.value]),
  );
  const clock = [parts["hour"], parts["minute"], parts["second"]].map(Number).join(":");
  return [
    parts["weekday"],
    parts["day"],
    parts["month"],
    parts["year"],
    clock,
    zoneAbbreviation(date, time.timeZone),
  ].join("_");
}

/** The date as RFC 3339 has it, in UTC: what OCI asks for in `org.opencontainers.image.created`. */
export function createdDate(time: BuildTime): string {
  return new Date(time.seconds * 1000).toISOString().replace(".000Z", "Z");
}

/**
 * `CET`, `EST`, `JST`. Each English-speaking place knows the short names of its own neighbourhood, so several are asked.
 * Zones without a short name have their distance from UTC: `+03`, as the time zone database writes it.
 */
function zoneAbbreviation(date: Date, timeZone: string | undefined): string {
  const named = (locale: string, style: "short" | "longOffset") =>
    new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: style })
      .formatToParts(date)
      .find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
  for (const locale of ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "en-NZ", "ja-JP", "ko-KR"]) {
    const name = named(locale, "short");
    if (/^[A-Z]{2,5}$/.test(name)) return name;
  }
  const offset = /([+-])(\d\d):(\d\d)/.exec(named("en-US", "longOffset"));
  if (offset === null) return "UTC";
  const [, sign = "+", hours = "00", minutes = "00"] = offset;
  return sign + hours + (minutes === "00" ? "" : minutes);
}
