import { existsSync } from "node:fs";
import test from "ava";
import { checkDefinition } from "../../src/definition/check-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { rules } from "../../src/definition/rules/rules.ts";

/** The lines of the findings of one rule. */
function linesOf(name: string, definition: string): number[] {
  const read = readDefinition(definition, { file: "x.def" });
  if (read.definition === undefined) throw new Error(JSON.stringify(read.diagnostics));
  return checkDefinition(read)
    .filter(({ code }) => code === `check/${name}`)
    .map(({ location }) => location.line);
}

const docker = "Bootstrap: docker\nFrom: debian:12\n";
const post = (...lines: string[]) => `${docker}%post\n${lines.join("\n")}\n`;

interface RuleCases {
  /** Texts with the lines where the rule finds something. */
  readonly wrong: readonly (readonly [definition: string, ...lines: number[]])[];
  /** Texts that are fine. */
  readonly right: readonly string[];
}

const cases: Readonly<Record<string, RuleCases>> = {
  "bash-syntax": {
    wrong: [
      [post("if [[ -f x ]]; then true; fi"), 4],
      [post("true", "source /etc/profile"), 5],
      [post("a=(1 2)", "[[ a ]]"), 4],
      [post("echo ${a[0]}"), 4],
      [post('echo "${a//x/y}"'), 4],
      [post("diff <(ls) x"), 4],
      [post("cat <<< x"), 4],
      [post("set -euo pipefail"), 4],
      [post('[ "$a" == b ] && true'), 4],
      [post("make &> log"), 4],
      [post("((a++))"), 4],
      [`${docker}%runscript\nsource x\n%test\n[[ a ]]\n%apprun foo\npushd x\n`, 4, 6, 8],
      [`${docker}%post -u\npushd x\n`, 4],
      [post('echo "${a: -3}" ${a:1:2}'), 4],
      [post("echo ${a^^}"), 4],
      ["Bootstrap: docker\nFrom: me/x\n%post\napt-get update\nsource x\n", 5],
      ["Bootstrap: localimage\nFrom: x.sif\n%post\nyum update -y || apt-get update\n[[ a ]]\n", 5],
      ["Bootstrap: docker\nFrom: alpine:3.20\n%post\n[[ a ]]\npushd x\n", 5],
      ["Bootstrap: docker\nFrom: python:3-alpine\n%post\necho ${a,,}\n", 4],
    ],
    right: [
      post("echo ${a:-1.2} ${b:=4} ${c:+5} ${d:?6} ${#e}"),
      "Bootstrap: docker\nFrom: example.org/cuda:12.2-devel-rockylinux8\n%post\nsource x\n",
      "Bootstrap: docker\nFrom: me/x:centos7\n%post\nsource x\n",
      "Bootstrap: docker\nFrom: me/el8-base\n%post\nsource x\n",
      "Bootstrap: localimage\nFrom: x.sif\n%post\nsudo yum install -y gcc\nsource x\n",
      "Bootstrap: docker\nFrom: alpine:3.20\n%post\nsource x\n[[ a == b ]]\nls &> ${a/b/c}\n[ a == b ]\n",
      "Bootstrap: docker\nFrom: me/x\n%post\napk add --no-cache y\nset -o pipefail\n",
      post("if [ -f x ]; then . ./x; fi", "echo ${a:-b} ${#a} ${a%x} $((1 + 2)) $(ls)"),
      post("cat <<EOF > x.sh", "[[ a ]]", "EOF", "bash -c '[[ a ]] && source x'"),
      post("# source x", "echo [[ x", 'echo "a == b"', "awk '{ a[1] += $2 }' x"),
      `${docker}%post -c /bin/bash\n[[ a ]]\n`,
      `${docker}%runscript\n#!/bin/bash\nsource x\n`,
      `${docker}%environment\nsource x\n`,
      "Bootstrap: docker\nFrom: rockylinux:9\n%post\n[[ a ]]\n",
      "Bootstrap: yum\nOSVersion: 9\nMirrorURL: x\n%post\n[[ a ]]\n",
    ],
  },
  "carriage-return": {
    wrong: [[`${docker}%post\r\ntrue\r\n\techo\r\r\n`, 5]],
    right: [`${docker}%post\r\ntrue\r\n`, `${docker}%help\na\rb\n`],
  },
  "environment-command": {
    wrong: [
      [`${docker}%environment\nexport A=1\necho hello\n`, 5],
      [`${docker}%environment\n  mkdir -p $HOME/x; A=1\n  cd /opt\n  exit\n  set -e\n`, 4, 5, 6, 7],
      [`${docker}%appenv foo\nexport A=1\ndate\n`, 5],
      [`${docker}%environment\nPATH = /x\nexport A = b\nENV C=d\nsetenv E f\n`, 4, 5, 6, 7],
      [`${docker}%environment\nconda activate x\n. /conda.sh\nconda install y\n`, 4, 6],
      [`${docker}%environment\ncase $A in x) echo y;; esac\n>/tmp/x date\nf() { ls; }\n`, 4, 5, 6],
      [`${docker}%environment\n(cd /x; ls)\n`, 4, 4],
    ],
    right: [
      `${docker}%environment\ncase $A in\n  *:"$1":*) ;;\n  a|exec|"b c") X=1;;\n  (d) Y=1;;\nesac\ncase x in a|b) Z=1;; exec) Z=2;; esac\n`,
      `${docker}%environment\nadd() {\n  PATH=$PATH:$1\n}\nadd /x\nfunction exec {\n  A=1\n}\nwhile IFS= read -r l; do A=$l; done < x\n`,
      `${docker}%environment\n. /opt/conda/etc/profile.d/conda.sh\nconda activate x\nml GCC\nspack load y\n((A++))\n`,
      `${docker}%environment\n>&2 echo no x\nif true; then echo "no y" >&2; printf z 1>&2; fi\n`,
      `${docker}%environment\nA=1\nexport A B=2 C="$(nproc)"\nunset D\n. /opt/x.sh\nsource y\n# echo\n`,
      `${docker}%environment\nif [ -z "$A" ]; then\n  export A=1\nelse\n  A=2\nfi\n`,
      `${docker}%environment\ncase $A in\n  x) A=1;;\n  *) A=2;;\nesac\nfor x in a b; do export $x; done\n`,
    ],
  },
  "files-destination": {
    wrong: [
      [`${docker}%files\na\n./b/c\nd opt\ne .\n../f\n`, 4, 5, 6, 7, 8],
      [`${docker}%files\na a\nb ~/b\nc /opt/$C/\nd \${D}\n`, 4, 5, 6, 7],
      [`${docker}Stage: s\n${docker}%files from s\n/x /opt/$X\n`, 7],
    ],
    right: [
      `${docker}%files\na # why\n$HOME/b /b\n/opt/$C\n/e /f~\n`,
      `${docker}%files\na /opt/\n/etc/x\n# c\n`,
      `${docker}Stage: s\n${docker}%files from s\nopt/x\n`,
    ],
  },
  "hidden-by-mounts": {
    wrong: [
      [`${docker}%files\na /tmp/a\nb /root\nc /dev/c\nd /var/tmp/\n`, 4, 5, 6, 7],
      [
        `${docker}Stage: b\n%files\na /tmp\nb /tmp/\n%post\nsh /tmp/a\n${docker}%files from b\n/x /x\n`,
        5,
      ],
      [
        post("pip install --user x", "./configure --prefix=$HOME/x", "sh m.sh -b -p /root/conda"),
        4,
        5,
        6,
      ],
      [`${docker}%environment\nexport PATH=/root/bin:$PATH\n`, 4],
      [`${docker}%runscript\nexec /root/x "$@"\n`, 4],
    ],
    right: [
      `${docker}%files\na /opt/tmp/a\n/tmp/x /opt/x\nb /rootfs\nc /home/me/c\n`,
      `${docker}%files\na /root/a\n%post\nsh m.sh -p ~/conda\nchmod -R a+rX /root\n%environment\nPATH=/root/bin:$PATH\n`,
      post("export HOME=/opt/home", "./configure --prefix=$HOME/x"),
      post("./configure --prefix=/home/me"),
      post(
        "cd /tmp && wget x",
        "mkdir -p /root/.cache",
        "./configure --prefix=/usr/local",
        "rm -rf /tmp/x",
      ),
      `${docker}%environment\nexport PATH=/opt/bin:$PATH TMPDIR=/tmp\n`,
      `${docker}Stage: b\n%files\na /tmp/a\n${docker}%files from b\n/tmp/a /opt/a\n`,
    ],
  },
  "install-without-yes": {
    wrong: [
      [post("apt-get update && apt-get install gcc"), 4],
      [post("DEBIAN_FRONTEND=noninteractive apt install \\", "  gcc \\", "  make", "true"), 4],
      [
        post("sudo dnf install gcc", "yum update", "zypper install gcc", "pacman -S gcc"),
        4,
        5,
        6,
        7,
      ],
      [post("apt-get -q upgrade"), 4],
      [post("true || apt-get install x", "true | cat", "apt-get install y | tee log"), 4, 6],
      [post("if true; then apt-get install x; fi"), 4],
      [`${docker}%appinstall foo\napt-get install gcc\n`, 4],
      [
        post("apt-get -f install", "apt-get purge x", "pacman -Syu", "yum install –y x"),
        4,
        5,
        6,
        7,
      ],
    ],
    right: [
      post(
        "apt-get purge",
        "apt-get install",
        "apt-get -qqq upgrade",
        "pacman -Sy",
        "pacman -Ss x",
      ),
      post("apt-get install $APT_OPTS gcc", 'dnf install ${DNF_FLAGS} "gcc"'),
      post(`echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/yes`, "apt-get install x"),
      post("conda install x", "conda clean -a"),
      post(
        "apt-get update",
        "apt-get install -y gcc",
        "apt-get -yq install gcc",
        "apt -qq install x",
      ),
      post(
        "apt-get install --yes \\",
        "  gcc",
        "apt-get clean",
        "apt-get --no-install-recommends -y install x",
      ),
      post("dnf -y install gcc", "dnf clean all", "microdnf install -y gcc", "yum makecache"),
      post("yes | apt-get install gcc", "echo y | yum install x", "apt-get install x < answers"),
      post(
        "zypper -n install gcc",
        "zypper --non-interactive in gcc",
        "pacman -Syu --noconfirm gcc",
      ),
      post(
        "# apt-get install gcc",
        "echo apt-get install gcc",
        "cat <<EOF",
        "apt-get install gcc",
        "EOF",
      ),
    ],
  },
  "label-form": {
    wrong: [
      [`${docker}%labels\nA=1\nB: 2\nC\t3\nD = 4\n"E F" 5\n`, 4, 5, 6, 7, 8],
      [`${docker}%applabels foo\nA=1\n`, 4],
      [`${docker}%labels\nA="b c"\nB='c: d'\n`, 4, 5],
    ],
    right: [
      `${docker}%labels\nA\t b\nB \tc\n`,
      `${docker}%labels\nA 1\n  B    c = d: "e"\nC\n# D=1\nhttp://x y\nE "a b"\norg.x.y=z w\n`,
    ],
  },
  "lost-section": {
    wrong: [
      [`${docker}%help\nx\n%runscript\nx\n%labels\na b\n%apprun foo\nx\n${docker}`, 3, 5, 7, 9],
      [`${docker}%environment\nA=1\n${docker}`, 3],
    ],
    right: [
      `${docker}%post\ntrue\n%setup\ntrue\n%arguments\na=1\n${docker}%help\nx\n%labels\na b\n`,
      `${docker}%environment\nA=1\n%test\ntrue\n${docker}`,
    ],
  },
  "lost-shebang": {
    wrong: [
      [post("#!/bin/bash", "true"), 4],
      [`${docker}%setup -u\n#!/usr/bin/env python3\n%apprun foo\n#!/bin/bash\n`, 4, 6],
      [`${docker}%runscript\n\n  #!/bin/bash\ntrue\n%test\n \n\n#!/bin/sh -e\n`, 5, 10],
    ],
    right: [
      post("#!/bin/sh -e", "true"),
      post("true", "#!/bin/bash"),
      `${docker}%runscript\n\n#!/bin/sh\ntrue\n%test\n\n#! /usr/bin/env sh\n`,
      `${docker}%runscript\n#!/bin/bash\n%test\n  #!/bin/sh\n%startscript\n\ntrue\n#!/bin/x\n`,
    ],
  },
  "package-lists-left": {
    wrong: [
      [post("apt-get update", "apt-get install -y x"), 4],
      [post("dnf -y install x", "dnf -y install y"), 5],
      [post("apk add -U x"), 4],
      [post("/opt/conda/bin/conda install -y x"), 4],
      [post("zypper -n in x"), 4],
    ],
    right: [
      post("apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*"),
      post("apt-get update", "rm -r /var/lib/apt/lists", "dnf -y install x", "dnf clean all"),
      post("apk add --no-cache x", "conda install -y x && conda clean -afy"),
      post("yum -y install x", "rm -rf /var/cache/yum"),
      post("apt-get update", "rm -rf /var/lib/{apt,dpkg,cache,log}/"),
      post("export CONDA_PKGS_DIRS=/tmp/pkgs", "conda install -y x"),
      `${docker}Stage: b\n%post\napt-get update\n${docker}%files from b\n/x /x\n`,
    ],
  },
  secret: {
    wrong: [
      [`${docker}%arguments\nTOKEN=\nDB_PASSWORD=x\nV=1\n`, 4, 5],
      [`${docker}%environment\nexport API_KEY=abc123\nexport TOKEN=$TOKEN\n`, 4],
      [`${docker}%labels\npassword hunter2\n`, 4],
      [`${docker}%environment\nexport JWT_SECRET_KEY=hunter2\nA_TOKEN_2=abcdef\n`, 4, 5],
      [post("git clone https://me:hunter2@example.org/x.git"), 4],
      [post(`export GH=ghp_${"a".repeat(36)}`), 4],
      [post("cat > key <<EOF", "-----BEGIN OPENSSH PRIVATE KEY-----", "EOF"), 5],
      [post("aws --key AKIAABCDEFGHIJKLMNOP"), 4],
    ],
    right: [
      `${docker}%arguments\nVERSION=1\nTOKENIZER=bpe\n`,
      `${docker}%environment\nexport AUTH_TOKEN_REALM=http://x/y SECRET_NAME=z\nexport TOKEN_URL=https://x/y\n`,
      `${docker}%environment\nexport TOKEN=$(cat /run/token) PASSWORD=\nexport PASSWORD="$P"\nexport TOKENIZERS_PARALLELISM=false\n`,
      `${docker}%arguments\nMAX_TOKEN=512\n%environment\nexport PAD_TOKEN=0 USE_TOKEN=false\nNEXT_TOKEN="17"\n`,
      `${docker}%labels\nAuthor me\nMonkey 1\n`,
      post("git clone https://example.org:8080/x@y", "git clone https://$USER:$PASS@example.org/x"),
    ],
  },
  "shell-without-e": {
    wrong: [
      [`${docker}%post -c /bin/bash\nfalse\n`, 3],
      [`${docker}%setup -c bash -u\nset -u\n`, 3],
    ],
    right: [
      `${docker}%post -c /bin/bash\nset -euo pipefail\nfalse\n`,
      `${docker}%post -c /bin/bash -e\nfalse\n`,
      `${docker}%post -c bash -o errexit\nfalse\n`,
      `${docker}%post\nfalse\n`,
      `${docker}%setup -c bash\nset -o errexit\n`,
    ],
  },
  "unpinned-image": {
    wrong: [
      ["Bootstrap: docker\nFrom: debian\n", 2],
      ["Bootstrap: docker\nFrom: debian:latest\n", 2],
      ["Bootstrap: docker\nFrom: registry.example.org:5000/me/x\n", 2],
      ["Bootstrap: library\nFrom: me/x/y\n", 2],
    ],
    right: [
      "Bootstrap: docker\nFrom: debian:12\n",
      `Bootstrap: docker\nFrom: debian@sha256:${"0".repeat(64)}\n`,
      "Bootstrap: docker\nFrom: registry.example.org:5000/me/x:1\n",
      "Bootstrap: localimage\nFrom: base.sif\n",
      "Bootstrap: scratch\n",
      "Bootstrap: docker\nFrom: debian:{{ V }}\n%arguments\nV=12\n",
    ],
  },
  "unused-stage": {
    wrong: [
      [`${docker}%post\ntrue\n${docker}`, 1],
      [`${docker}Stage: a\n${docker}Stage: b\n${docker}%files from b\n/x /x\n`, 1],
      [`${docker}Stage: a\n${docker}Stage: a\n${docker}%files from a\n/x /x\n`, 4],
    ],
    right: [
      `${docker}Stage: a\n${docker}%files from a\n/x /x\n`,
      `${docker}Stage: a\n${docker}Stage: b\n%files from a\n/x /x\n${docker}%files from b\n/x /x\n`,
      `${docker}%test\ntrue\n${docker}`,
      docker,
    ],
  },
};

for (const [name, { wrong, right }] of Object.entries(cases)) {
  for (const [definition, ...lines] of wrong) {
    test(`${name} finds ${JSON.stringify(definition)}`, (t) => {
      t.deepEqual(linesOf(name, definition), lines);
    });
  }
  for (const definition of right) {
    test(`${name} is content with ${JSON.stringify(definition)}`, (t) => {
      t.deepEqual(linesOf(name, definition), []);
    });
  }
}

test("every rule has cases and a page, and they are in order", (t) => {
  const names = rules.map(({ name }) => name);
  t.deepEqual(Object.keys(cases).toSorted(), names);
  for (const name of names) t.true(existsSync(`docs/errors/check/${name}.md`), name);
});

test("a comment switches a rule off for its line, the next line, a section or the file", (t) => {
  t.deepEqual(
    linesOf(
      "install-without-yes",
      post("apt-get install x # tsbuild: disable=install-without-yes"),
    ),
    [],
  );
  t.deepEqual(
    linesOf(
      "install-without-yes",
      post(
        "# tsbuild: disable=secret, install-without-yes",
        "",
        "apt-get install x",
        "apt-get install y",
      ),
    ),
    [7],
  );
  t.deepEqual(
    linesOf(
      "install-without-yes",
      `${docker}# tsbuild: disable=install-without-yes\n%post\napt-get install x\n\n# c\napt-get install y\n%post\napt-get install z\n`,
    ),
    [10],
  );
  t.deepEqual(
    linesOf(
      "unpinned-image",
      "# tsbuild: disable=unpinned-image\nBootstrap: docker\nFrom: a\n\nBootstrap: docker\nFrom: b\n",
    ),
    [],
  );
  t.deepEqual(
    linesOf("unpinned-image", "Bootstrap: docker\n# tsbuild: disable=other\nFrom: a\n"),
    [3],
  );
});

const codes = (text: string) =>
  checkDefinition(readDefinition(text, { file: "x.def" })).map(({ code }) => code);

test("warnings of the reader can be switched off too, errors can't", (t) => {
  t.deepEqual(codes(`${docker}# tsbuild: disable=repeated-keyword\nFrom: debian:11\n`), []);
  t.deepEqual(codes(`${docker}# tsbuild: disable=unknown-section\n%nope\n`), [
    "definition/unknown-section",
  ]);
});

test("a stage that From can't name is told so", (t) => {
  const text = `${docker}Stage: base\nBootstrap: docker\nFrom: base\n%post\ntrue\n`;
  const found = checkDefinition(readDefinition(text, { file: "x.def" }));
  t.regex(found[0]?.message ?? "", /the From of line 5 does not mean it/);
});
