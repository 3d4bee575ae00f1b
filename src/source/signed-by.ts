import { SourceError } from "../model/error.ts";

/**
 * Refuses a base that must be signed: signatures are not checked here, and to pass over such a line would be a lie about
 * the image. An empty list asks for nothing, as in Apptainer.
 * @throws {SourceError} `source/fingerprints`
 */
export function refuseFingerprints(header: ReadonlyMap<string, string>): void {
  const wanted = (header.get("fingerprints") ?? "").replace(/#.*$/, "").trim();
  if (wanted === "") return;
  throw new SourceError(
    "source/fingerprints",
    "the definition asks for signatures of its base (Fingerprints), which tsbuild doesn't check",
    {
      hint: "get the image, check it with apptainer verify, and build from the file without the line Fingerprints",
    },
  );
}
