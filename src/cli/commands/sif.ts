import { Argument } from "commander";
import type { CliCommand } from "../command.ts";

export const sif: CliCommand = {
  name: "sif",
  summary: "show and change the parts of a SIF file, as siftool does",
  declare(command) {
    command
      .usage(
        "list|header|new IMAGE, or info|dump|del|setprim ID IMAGE, or add [options] IMAGE FILE",
      )
      .addArgument(new Argument("<operands...>", "what to do, the object's id, and the image"))
      .option(
        "--datatype <number>",
        "1 definition, 2 environment, 3 labels, 4 partition, 5 signature, 6 JSON, 7 anything, 8 cryptographic message, 9 SBOM, 10 OCI root index, 11 OCI blob",
      )
      .option("--parttype <number>", "1 system, 2 primary system, 3 data, 4 overlay")
      .option("--partfs <number>", "1 SquashFS, 2 ext3, 3 archive, 4 raw")
      .option(
        "--partarch <number>",
        "1 386, 2 amd64, 3 arm, 4 arm64, 5 ppc64, 6 ppc64le, 7 mips, 8 mipsle, 9 mips64, 10 mips64le, 11 s390x, 12 riscv64, 13 loong64",
      )
      .option(
        "--signhash <number>",
        "1 SHA-256, 2 SHA-384, 3 SHA-512, 4 BLAKE2s-256, 5 BLAKE2b-256",
      )
      .option("--signentity <fingerprint>", "of the key that signed, 40 hexadecimal digits")
      .option("--sbomformat <name>", "spdx-json, cyclonedx-json …")
      .option("--groupid <number>", "the object's group; none without")
      .option("--link <number>", "the object that it belongs to")
      .option("--alignment <bytes>", "where it may begin; 4096 for a partition")
      .option("--filename <name>", "the object's name");
  },
  async run(operands, flags, terminal) {
    const { sifCommand } = await import("../sif.ts");
    return sifCommand(operands, flags, terminal);
  },
};
