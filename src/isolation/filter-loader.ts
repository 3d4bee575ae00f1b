import type { HostFacts } from "./host-facts.ts";
import type { IsolationFile } from "./isolation.ts";
import { loaderElf } from "./loader-elf.ts";
import { isHeard, seccompFilter, type FilterKind } from "./seccomp-filter.ts";

/** Something that loads a filter and then becomes another program. */
export interface FilterLoader {
  readonly files: readonly IsolationFile[];
  /** What comes before the program's absolute path and its arguments. */
  prefix(workFolder: string): readonly string[];
}

const filterName = "filter.bpf";
const loaderName = "filter-loader";

/** What a machine's processor calls prctl(2) by, for `syscall` of Perl. */
const prctlNumbers: Readonly<Record<string, number>> = {
  x64: 157,
  arm64: 167,
  ppc64: 171,
  s390x: 172,
  riscv64: 167,
  loong64: 167,
};

// Arguments: number of prctl, file of the filter, program, its arguments. 22 is PR_SET_SECCOMP, 38 PR_SET_NO_NEW_PRIVS.
const perlLoader = `
my ($prctl, $file) = splice @ARGV, 0, 2;
open my $in, "<:raw", $file or die "$file: $!\\n";
my $filter = do { local $/; <$in> };
close $in;
my $program = pack "S x![Q] P", length($filter) / 8, $filter;
if (syscall($prctl + 0, 22, 2, $program) != 0) {
  syscall($prctl + 0, 38, 1, 0, 0, 0);
  syscall($prctl + 0, 22, 2, $program) == 0 or die "can't load the filter: $!\\n";
}
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";
`.trim();

/** The filter by itself, for programs that load it from a file. */
export function filterFileOf(kind: FilterKind): IsolationFile {
  return { name: filterName, bytes: seccompFilter(kind), mode: 0o444 };
}

/** The first loader that this machine has, or undefined. */
export function chooseFilterLoader(facts: HostFacts, kind: FilterKind): FilterLoader | undefined {
  return filterLoaders(facts, kind)[0];
}

/** All that would do, in order of preference. */
export function filterLoaders(facts: HostFacts, kind: FilterKind): FilterLoader[] {
  const filterFile = filterFileOf(kind);
  const listens = isHeard(kind);
  const loaders: FilterLoader[] = [];
  const { setpriv, perl } = facts.programs;
  if (!listens && setpriv !== undefined && facts.setprivOptions.includes("--seccomp-filter")) {
    loaders.push({
      files: [filterFile],
      prefix: (folder) => [setpriv, "--seccomp-filter", `${folder}/${filterName}`, "--"],
    });
  }
  const own = loaderElf(filterFile.bytes, facts.architecture, listens);
  if (own !== undefined) {
    // Beside another one, that of a witness has a name of its own.
    const name = kind.endsWith("witnessed") ? `${loaderName}-${kind}` : loaderName;
    loaders.push({
      files: [{ name, bytes: own, mode: 0o555 }],
      prefix: (folder) => [`${folder}/${name}`],
    });
  }
  // Only our own knows how to hand over what hears the calls.
  if (listens) return loaders;
  const prctl = prctlNumbers[facts.architecture];
  if (perl !== undefined && prctl !== undefined) {
    loaders.push({
      files: [filterFile],
      prefix: (folder) => [perl, "-e", perlLoader, "--", `${prctl}`, `${folder}/${filterName}`],
    });
  }
  return loaders;
}
