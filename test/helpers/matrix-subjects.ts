// What is built in each situation of the matrix: all that a script needs root for.
//
// apk has no part in it: neither Debian nor the npm registry has apk-tools, so no base for it can be made here. What it
// does as root (files of other owners, modes, users added by busybox's adduser) is what tar, chown and useradd do here.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oddPackages } from "./odd-packages.ts";
import { packagesImage } from "./packages-image.ts";

export interface Subject {
  readonly post: string;
  /** Whether it needs the packages of rpm's kind, in `/odd`. */
  readonly needsOdd: boolean;
}

/** Users, set-id programs, owners, capabilities, devices and folders of the base that move. */
const byHand = `
useradd --create-home --uid 1234 alice
install -d -o alice -g mail -m 2750 /srv/shared
touch /srv/shared/in /srv/far
mkdir /srv/shared/below
su alice -c 'touch ~/own; mkdir ~/folder; ln -s own ~/link; cp /etc/hostname ~/copy' || true
cp -a /etc/shadow /srv/shadow-again
chown 70000:80000 /srv/far || true
mknod -m 666 /srv/null c 1 3 || true
mknod -m 600 /srv/disk b 8 0 || true
chown daemon:disk /srv/disk || true
mkfifo /srv/fifo && chown daemon:mail /srv/fifo
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "/srv/socket", Listen => 1) or die $!'
chown daemon:mail /srv/socket && chmod 640 /srv/socket
cp /bin/true /srv/capable && setcap cap_net_raw+ep /srv/capable || true
cp /bin/true /srv/lent && chown alice /srv/lent && chmod 6755 /srv/lent
cp /bin/true /srv/taken && chmod 4755 /srv/taken && chown alice /srv/taken
tar -C /etc --owner=2000 --group=3000 -cf /tmp/foreign.tar hostname
tar -C /srv -xpf /tmp/foreign.tar
chgrp -h games /srv/shared/in && ln -s nowhere /srv/gone && chown -h games:games /srv/gone
mknod /srv/mark c 0 0 && echo 'mark: made' || echo 'mark: refused'
perl -e 'print "rename: ", rename("/usr/share/perl5", "/srv/perl5") ? "done" : $!, "\\n"'
[ -e /srv/perl5 ] || mv /usr/share/perl5 /srv/perl5
mv /usr/share/zoneinfo /srv/zones
`;

/** Packages with users and services, of two kinds. */
const byPackages = `
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends sudo dbus openssh-server > /dev/null
dnf="dnf -q -y --repofrompath=odd,/odd --repo=odd --nogpgcheck --releasever=1 --setopt=keepcache=0"
for PACKAGE in odd odd-capable odd-device; do $dnf install $PACKAGE || echo "dnf: $PACKAGE: $?"; done
# Downloads are marked with the time of the download.
rm -r /odd /var/cache/dnf
`;

/** Everything but the database. */
export const owners: Subject = { needsOdd: true, post: byPackages + byHand };

/** The same without package managers, for a look at situations that differ little from others. */
export const ownersByHand: Subject = { needsOdd: false, post: byHand };

/** A server that installs itself as a user of its own and starts once, to make its tables. */
export const database: Subject = {
  needsOdd: false,
  post: `
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends mariadb-server > /dev/null
ls -d /var/lib/mysql/mysql
`,
};

// Made once, for builds side by side.
let base: Promise<string> | undefined;
let odd: Promise<string> | undefined;

/** The definition of a subject. */
export async function definitionOf({ needsOdd, post }: Subject): Promise<string> {
  base ??= packagesImage({
    installed: ["libcap2-bin", "dnf"],
    fetched: ["sudo", "dbus", "openssh-server", "mariadb-server"],
  });
  odd ??= oddPackages(ownFolder());
  const files = needsOdd ? `%files\n    ${await odd} /odd\n` : "";
  return `Bootstrap: oci\nFrom: ${await base}\n${files}%post${post}`;
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-matrix-odd-"));
  chmodSync(folder, 0o755);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
