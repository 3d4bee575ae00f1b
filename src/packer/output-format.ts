/**
 * The number of the contract by which trees become bytes: with a fixed time, the same tree, texts and options give the
 * same image as long as this number is the same, whichever version of tsbuild, machine, user or number of cores packs
 * it. It is raised by one with every change of what is written, and stands in an image's `inspect-metadata.json` as
 * `tsbuild.format`. Images with zstd are outside of the contract: Node brings the compressor and may renew it.
 */
export const outputFormat = 2;
