// What can be wrong with the process that a build is.

import type { Case } from "./case.ts";

export const processCases: readonly Case[] = [
  {
    title: "no /proc",
    who: "root",
    setup: "mount -t tmpfs tsbuild /proc",
    code: "host/no-proc",
  },
  {
    title: "a variable that says that the build is in a namespace",
    who: "user",
    env: { TSBUILD_ENTERED: "subid:1:1:1" },
    code: "host/entered-elsewhere",
  },
  {
    title: "a time that is none",
    who: "user",
    env: { SOURCE_DATE_EPOCH: "yesterday" },
    code: "usage/timestamp",
  },
  {
    title: "a switch that is neither on nor off",
    who: "user",
    env: { APPTAINER_NOTEST: "maybe" },
    code: "usage/environment",
  },
  {
    title: "a way of isolation that there is not",
    who: "user",
    options: ["--isolation", "magic"],
    doctorOptions: ["--isolation", "magic"],
    code: "usage/isolation",
  },
  {
    title: "few open files",
    who: "root",
    wrap: ["prlimit", "--nofile=100", "--"],
    code: "host/process-limit",
    onlyDoctor: true,
  },
];
