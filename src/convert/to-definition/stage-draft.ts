import { shellWord } from "./shell-text.ts";

/** Where copies come from: the host, or a stage. */
type Origin = string | undefined;

/** What `%setup` brings; no stage can have this name. */
export const setupOrigin = "%setup";

interface DirectCopy {
  readonly origin: Origin;
  readonly destination: string;
}

/** The sections of one stage of a definition while they are being written. */
export class StageDraft {
  readonly header: string[] = [];
  readonly arguments = new Map<string, string>();
  readonly setup: string[] = [];
  /** Lines of `%post`; texts may have several lines. */
  readonly post: string[] = [];
  readonly environment: string[] = [];
  readonly labels = new Map<string, string>();
  readonly runscript: string[] = [];
  /** Whether `%post` needs the function that places what was copied. */
  needsPlacing = false;
  private readonly files = new Map<Origin, string[]>();
  private readonly direct: DirectCopy[] = [];
  private staged = 0;

  /** Adds a line to the `%files` section of the origin. */
  addFiles(origin: Origin, line: string): void {
    this.files.set(origin, [...(this.files.get(origin) ?? []), line]);
  }

  /**
   * Whether a copy straight to its destination would happen before an earlier one that it may have to come after: copies
   * from stages come first, in the order in which their sections begin, then `%setup`, then copies from the host.
   */
  comesTooEarly(origin: Origin, destination: string): boolean {
    const rank = this.rank(origin);
    return this.direct.some(
      (earlier) => this.rank(earlier.origin) > rank && overlap(earlier.destination, destination),
    );
  }

  /** Whether an earlier copy may have made something at the place or above or below it. */
  isTouched(destination: string): boolean {
    return this.direct.some((earlier) => overlap(earlier.destination, destination));
  }

  noteDirect(origin: Origin, destination: string): void {
    this.direct.push({ origin, destination });
  }

  private rank(origin: Origin): number {
    if (origin === undefined) return Infinity;
    if (origin === setupOrigin) return 1e9;
    const order = [...this.files.keys()].filter((name) => name !== undefined).indexOf(origin);
    return order === -1 ? 1e8 : order;
  }

  /** A folder of the image for what is copied now and placed later. */
  stagingFolder(): string {
    this.needsPlacing = true;
    return `/.tsbuild-copy/${++this.staged}`;
  }

  /** Whether something waits in such a folder, so that what comes after has to wait too. */
  get hasStaged(): boolean {
    return this.staged > 0;
  }

  /** The text, not yet in the canonical form. */
  text(): string {
    const post = [...this.post];
    if (this.needsPlacing) {
      post.unshift(placing);
      post.push("rm -rf /.tsbuild-copy");
    }
    if (post.length > 0) post.unshift("umask 022");
    const sections: (readonly [string, readonly string[]])[] = [
      ["arguments", [...this.arguments].map(([name, value]) => `${name}=${value}`)],
      ...[...this.files].map(
        ([origin, lines]) =>
          [origin === undefined ? "files" : `files from ${origin}`, lines] as const,
      ),
      ["setup", this.setup],
      ["post", post],
      ["environment", this.environment],
      ["labels", [...this.labels].map(([name, value]) => `${name} ${value}`.trimEnd())],
      ["runscript", this.runscript],
    ];
    const written = sections.filter(([, lines]) => lines.length > 0);
    return [
      ...this.header,
      ...written.flatMap(([name, lines]) => [
        "",
        `%${name}`,
        ...lines.map((line) => `    ${line}`),
      ]),
      "",
    ].join("\n");
  }
}

const names = (path: string) => path.split("/").filter((name) => name !== "");

/** Whether one of two folders or files is the other or lies in it. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [names(one), names(other)];
  return a.slice(0, b.length).join("/") === b.slice(0, a.length).join("/");
}

/** Commands that change to a folder, which is made if it is not there. */
export function changeFolder(word: string): string[] {
  return [`mkdir -p ${word}`, `cd ${word}`];
}

export const quotedPath = (path: string): string => shellWord(path);

const placing = `# Puts what %files brought to folder $1 at $2 as COPY does: of a folder, what is in it. New folders belong to $3.
    place() (
        set +x
        folder() {
            if [ -d "$1/" ]; then return; fi
            case "$1" in
            ?*/*) folder "\${1%/*}" "$2" ;;
            esac
            mkdir "$1"
            if [ -n "$2" ]; then chown "$2" "$1"; fi
        }
        for item in "$1"/* "$1"/.[!.]* "$1"/..?*; do
            if [ -d "$item" ] && [ ! -L "$item" ]; then
                folder "\${2%/}" "$3"
                for inner in "$item"/* "$item"/.[!.]* "$item"/..?*; do
                    if [ -e "$inner" ] || [ -L "$inner" ]; then cp -a "$inner" "$2/"; fi
                done
            elif [ -e "$item" ] || [ -L "$item" ]; then
                case "$2" in
                */*) folder "\${2%/*}" "$3" ;;
                esac
                cp -a "$item" "$2"
            fi
        done
    )`;
