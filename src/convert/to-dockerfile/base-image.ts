import { displayText } from "../../definition/display-text.ts";
import type { Stage } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";

/** What stands behind FROM. */
export interface BaseImage {
  /** With marks; undefined for `scratch`. */
  readonly image: string | undefined;
  /** The image is given to the build with this argument. */
  readonly argument: string | undefined;
}

/** The image that a stage's header asks for. What Docker can't fetch becomes an ARG, to be given to the build. */
export function baseImage(
  stage: Stage,
  marks: Marks,
  losses: Losses,
  argumentFor: (base: string) => string,
): BaseImage {
  const value = (key: string) => stage.header.find((field) => field.key === key)?.value ?? "";
  const agent = value("bootstrap");
  const from = value("from");
  if (agent === "scratch") return { image: undefined, argument: undefined };
  if (agent === "docker" || agent === "docker-daemon") {
    const image = [value("registry"), value("namespace"), from.replace(/^\/\//, "")]
      .filter((part) => part !== "")
      .join("/");
    if (/^\w[\w./:@+-]*$/.test(marks.replace(image, () => "x"))) {
      return { image, argument: undefined };
    }
  }
  const field = stage.header.find(({ key }) => key === "bootstrap");
  const location = field?.location ?? stage.location;
  const included = stage.header.find(({ key }) => key === "include");
  const distribution = distributionImage(agent, value("osversion"), value("mirrorurl"), marks);
  if (distribution !== undefined) {
    losses.differs(
      location,
      `the base is the image ${distribution}, not made by ${agent}`,
      "name another image in FROM if it lacks something",
    );
    if (included !== undefined && included.value !== "") {
      losses.lost(
        included.location,
        `Include: ${displayText(marks.shown(included.value))} is left out`,
        "install the packages in %post",
      );
    }
    return { image: distribution, argument: undefined };
  }
  const shown = displayText(marks.shown(`${agent} ${from || (included?.value ?? "")}`.trim()));
  const argument = argumentFor(shown);
  losses.lost(
    location,
    `Docker can't start from ${shown}: the image has to be given with --build-arg ${argument}=IMAGE`,
    hints[agent] ?? "choose an image of that distribution",
  );
  return { image: undefined, argument };
}

/** Docker's own image of what the agent would install. */
function distributionImage(
  agent: string,
  version: string,
  mirror: string,
  marks: Marks,
): string | undefined {
  const isKnown = /^[a-z0-9.]+$/.test(version) && marks.in(version).length === 0;
  if (agent === "debootstrap" && isKnown) {
    return `${mirror.includes("ubuntu") ? "ubuntu" : "debian"}:${version}`;
  }
  if (agent === "busybox") return "busybox";
  return agent === "arch" ? "archlinux" : undefined;
}

const unpacked =
  "unpack it (tsbuild unpack IMAGE FOLDER) and import it (tar -C FOLDER -c . | docker import - NAME)";

const hints: Readonly<Record<string, string>> = {
  docker: "write the name of an image behind From:",
  "docker-daemon": "write the name of an image behind From:",
  "docker-archive":
    "docker load -i FILE tells the name; buildah takes docker-archive:FILE as it is",
  oci: "copy it with skopeo to docker-daemon:NAME:TAG; buildah takes oci:FOLDER:TAG as it is",
  "oci-archive": "copy it with skopeo to docker-daemon:NAME:TAG; buildah takes oci-archive:FILE",
  localimage: unpacked,
  library: unpacked,
  shub: unpacked,
  oras: unpacked,
  host: "build the stage alone with tsbuild build --sandbox, and import the folder with docker import",
};
