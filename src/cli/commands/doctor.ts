import type { CliCommand } from "../command.ts";
import type { DoctorFlags } from "../doctor.ts";

export const doctor: CliCommand = {
  name: "doctor",
  summary: "say what this machine allows a build, and what would help",
  declare(command) {
    command
      .argument("[image]", "an image in a registry to ask for, as docker://debian:12")
      .option("--json", "as JSON")
      .option("--tmpdir <folder>", "where temporary folders would be made")
      .option("--isolation <name>", "only this way to run scripts as root")
      .option("--disable-cache", "leave the cache alone")
      .option("--no-https", "talk plain http to the registry");
  },
  async run(operands, flags, terminal) {
    const { doctorCommand } = await import("../doctor.ts");
    return doctorCommand(operands, flags as DoctorFlags, terminal);
  },
};
