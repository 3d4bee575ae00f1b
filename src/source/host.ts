// `Bootstrap: host`: a root file system of programs of this machine, for images that are built where no registry or
// mirror can be reached, and as small as their programs.
//
//   Bootstrap: host
//   Include: bash grep, /opt/tool/bin/tool /usr/share/zoneinfo
//
// Each word of `Include` is a program on PATH, a library by its name, or a file or folder by its absolute path. Programs
// bring their loader and libraries, scripts their interpreter. The host's `sh` is always there, as the scripts inside an
// image run with /bin/sh. What programs open while they run can't be known: modules of interpreters, locales, NSS
// (`libnss_*.so.2`, /etc/nsswitch.conf), libgcc_s.so.1 for the end of threads; name it in `Include` where it is needed.
// A wrapper that stands first on PATH (pyenv, ccache) is copied as it is; name what it starts by its path instead.

import { toByteString } from "../model/bytes-path.ts";
import { SourceError } from "../model/error.ts";
import { FileTree } from "../tree/file-tree.ts";
import type { ImageSource } from "./source.ts";

export const hostSource: ImageSource = {
  names: ["host"],
  keywords: [
    {
      name: "include",
      required: false,
      meaning:
        "programs on PATH, library names, and absolute paths of files or folders, separated by blanks or commas",
    },
  ],
  summary: "Programs of this machine with all that they need to start.",
  async open(header, context) {
    const { HostPrograms } = await import("./host-programs.ts");
    const tree = new FileTree({
      type: "directory",
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtimeSeconds: context.timeSeconds,
    });
    const programs = new HostPrograms(tree, {
      searchFolders: toByteString(process.env["PATH"] ?? "").split(":"),
      timeSeconds: context.timeSeconds,
      onWarning: (code, message) => context.listener({ type: "warning", code, message }),
    });
    const architecture = programs.architectureOf("sh");
    const wanted = context.platform.architecture;
    if (architecture !== undefined && architecture !== wanted) {
      throw new SourceError(
        "source/host-architecture",
        `the programs of this machine are for ${architecture}, and the image is to be for ${wanted}`,
        { hint: "leave --arch out, or take a base from a registry" },
      );
    }
    const words = (header.get("include") ?? "").split(/[\s,]+/).filter((word) => word !== "");
    for (const word of new Set(["/bin/sh", ...words])) {
      context.signal.throwIfAborted();
      programs.add(toByteString(word));
    }
    programs.addSearchFiles();
    return { kind: "made", tree };
  },
};
