// What a case of `causes.host.test.ts` is made of.

import type { Injection } from "../../helpers/injected.ts";

export interface Case extends Injection {
  readonly title: string;
  readonly code: string;
  readonly who: "user" | "root";
  /** What an administrator is told to type. */
  readonly command?: RegExp;
  readonly hint?: RegExp;
  /** How the build starts; a root file system of busybox with a %post otherwise. */
  readonly definition?: string;
  /** The image that the doctor asks for. */
  readonly image?: string;
  readonly options?: readonly string[];
  readonly doctorOptions?: readonly string[];
  /** A build goes on with a warning. */
  readonly goesOn?: boolean;
  /** A build can't know: it shows there as something else, if at all. */
  readonly onlyDoctor?: true;
}

// Shell commands for `setup`.

export const hide = (...programs: string[]) =>
  `printf x > "$WORK/nothing"; chmod 644 "$WORK/nothing"; for P in ${programs.join(" ")}; do mount --bind "$WORK/nothing" "$(command -v $P)"; done`;
export const insteadOf = (file: string, text: string) =>
  `printf '${text}' > "$WORK/instead"; chmod 644 "$WORK/instead"; mount --bind "$WORK/instead" ${file}`;
export const temporary = (options: string) =>
  `mount -t tmpfs -o mode=1777,${options} tsbuild "$WORK/tmp"`;
export const fill = (folder: string) =>
  `head -c 200000000 /dev/zero > "${folder}/full" 2> /dev/null || true`;
export const useUp = (folder: string) =>
  `N=0; while touch "${folder}/$N" 2> /dev/null; do N=$((N + 1)); done`;

export const noCapabilities = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
export const registry = "Bootstrap: docker\nFrom: 127.0.0.1:9/nothing:1\n";

export const subid = ["--isolation", "subid"];
export const root = ["--isolation", "root"];
