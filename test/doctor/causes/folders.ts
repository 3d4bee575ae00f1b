// What can be wrong with the folders that a build writes to.

import { temporary, fill, useUp, registry, type Case } from "./case.ts";

export const folderCases: readonly Case[] = [
  // The folder for temporary files.
  {
    title: "a folder for temporary files that is not there",
    who: "user",
    env: { TMPDIR: "/nowhere/tmp" },
    code: "host/temporary-folder",
  },
  {
    title: "a file in place of the folder for temporary files",
    who: "root",
    env: { TMPDIR: "/etc/passwd" },
    code: "host/temporary-folder",
  },
  {
    title: "a folder for temporary files that only root can write",
    who: "user",
    setup: 'chown 0 "$WORK/tmp"; chmod 755 "$WORK/tmp"',
    code: "host/temporary-folder",
  },
  {
    title: "temporary files on a read-only file system",
    who: "root",
    setup: temporary("ro"),
    code: "host/temporary-folder",
  },
  {
    title: "temporary files on noexec",
    who: "root",
    setup: temporary("noexec"),
    code: "host/noexec",
  },
  {
    title: "temporary files on noexec, for a user",
    who: "user",
    setup: temporary("noexec"),
    code: "host/noexec",
  },
  {
    title: "no space for temporary files",
    who: "root",
    setup: `${temporary("size=1m")}; ${fill("$WORK/tmp")}`,
    code: "folder/no-space",
  },
  {
    title: "no inode for temporary files",
    who: "root",
    setup: `${temporary("nr_inodes=8")}; ${useUp("$WORK/tmp")}`,
    code: "host/temporary-folder",
  },
  {
    title: "few inodes for temporary files",
    who: "root",
    setup: temporary("nr_inodes=8"),
    code: "folder/no-space",
  },
  // The folder of the image.
  {
    title: "an image in a folder that only root can write",
    who: "user",
    setup: 'chown 0 "$WORK"; chmod 755 "$WORK"',
    code: "host/not-writable",
  },
  {
    title: "an image on a read-only file system",
    who: "root",
    setup:
      'mkdir "$WORK/ro"; mount -t tmpfs -o ro tsbuild "$WORK/ro"; set -- env -C "$WORK/ro" "$@"',
    code: "host/not-writable",
  },
  {
    title: "no space for the image",
    who: "root",
    setup: `mkdir "$WORK/small"; mount -t tmpfs -o size=64k tsbuild "$WORK/small"; ${fill("$WORK/small")}; set -- env -C "$WORK/small" "$@"`,
    code: "host/no-space",
  },
  // The cache.
  {
    title: "a cache that only root can write",
    who: "user",
    setup: 'mkdir "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "a file in place of the cache",
    who: "root",
    setup: 'printf x > "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "a cache on a read-only file system",
    who: "root",
    setup: 'mkdir "$WORK/cache"; mount -t tmpfs -o ro tsbuild "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "no space in the cache",
    who: "root",
    setup: `mkdir "$WORK/cache"; mount -t tmpfs -o size=64k tsbuild "$WORK/cache"; ${fill("$WORK/cache")}`,
    code: "cache/write",
    onlyDoctor: true,
  },
];
