import { openDockerArchive } from "./oci-base.ts";
import type { ImageSource } from "./source.ts";

/** An image of the Docker daemon on this machine, or of Podman's service. */
export const dockerDaemonSource: ImageSource = {
  names: ["docker-daemon"],
  keywords: [{ name: "from", required: true, meaning: "the image: name[:tag], or its id" }],
  summary: "An image that a Docker daemon or Podman's service holds.",
  async open(header, context) {
    const [{ saveFromDaemon }, { ArchiveFile }] = await Promise.all([
      import("../oci/docker-daemon.ts"),
      import("../oci/archive-file.ts"),
    ]);
    const name = header.get("from") ?? "";
    const { dockerHost } = context.access ?? {};
    const env =
      dockerHost === undefined ? process.env : { ...process.env, DOCKER_HOST: dockerHost };
    const file = await saveFromDaemon(name, { ...context, env });
    return openDockerArchive(
      await ArchiveFile.open(file, { ...context, name }),
      undefined,
      context,
    );
  },
};
