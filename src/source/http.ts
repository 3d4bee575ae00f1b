import { SourceError } from "../model/error.ts";
import { downloadWithProgress, openFetched, withClient, type FetchImage } from "./fetched-image.ts";
import type { ImageSource } from "./source.ts";

/**
 * An image file on a web server: a SIF file, or an older one whose root file system is SquashFS. Apptainer's `pull` and
 * `run` take such an address, its `build` refuses it.
 */
export const httpSource: ImageSource = {
  names: ["http", "https"],
  keywords: [{ name: "from", required: true, meaning: "the address, HOST/PATH" }],
  summary: "An image file on a web server.",
  open: (header, context) => openFetched(header, context, fetchHttp),
};

/** @throws {SourceError} `source/bad-address`, `source/offline`, and what `download` throws */
export const fetchHttp: FetchImage = async (header, context, take) => {
  const url = addressOf(header);
  const shown = url.href.replace(/\/\/[^/]*@/, "//");
  return withClient(context, shown, (client) => {
    const request = { url, what: shown, authorization: loginIn(url) };
    return take(downloadWithProgress(client, request, context), shown);
  });
};

function addressOf(header: ReadonlyMap<string, string>): URL {
  const from = header.get("from") ?? "";
  const text = /^https?:\/\//.test(from) ? from : `${header.get("bootstrap") ?? "https"}://${from}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /[^/]/.test(url.pathname)) return url;
  throw new SourceError("source/bad-address", `${text} is no address of a file`, {
    hint: "write the whole address: https://HOST/PATH/image.sif",
  });
}

/** The name and password in an address: they go into a header, and out of what is shown. */
function loginIn(url: URL): string | undefined {
  const { username, password } = url;
  if (username === "" && password === "") return undefined;
  url.username = "";
  url.password = "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}
