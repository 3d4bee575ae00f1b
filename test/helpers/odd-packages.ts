import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** What makes them. */
export const oddPackagesTools = ["rpmbuild", "createrepo_c"];

const spec = `
Name: odd
Version: 1
Release: 1
Summary: owners of all kinds
License: none
BuildArch: noarch
Requires: odd-crew
%description
%package crew
Summary: who they are
Provides: /bin/sh
%description crew
%package capable
Summary: a program with a capability
%description capable
%package device
Summary: a device
%description device
%pre crew
getent group crew > /dev/null || groupadd -g 4321 crew
getent passwd ship > /dev/null || useradd -u 4322 -g crew ship
%install
mkdir -p %{buildroot}/opt/odd/shared %{buildroot}/opt/odd-capable %{buildroot}/opt/odd-device
echo x > %{buildroot}/opt/odd-capable/bind
for F in run shared/file; do echo x > %{buildroot}/opt/odd/$F; done
ln -s run %{buildroot}/opt/odd/link
%files crew
%files
%attr(0755, root, root) %dir /opt/odd
%attr(4751, ship, crew) /opt/odd/run
%attr(2770, root, crew) %dir /opt/odd/shared
%attr(0640, nobody, games) /opt/odd/shared/file
%attr(-, ship, crew) /opt/odd/link
%files capable
%attr(0755, root, root) %dir /opt/odd-capable
%attr(0755, root, root) %caps(cap_net_bind_service=ep) /opt/odd-capable/bind
%files device
%attr(0755, root, root) %dir /opt/odd-device
%dev(c,1,3) %attr(0666, root, daemon) /opt/odd-device/null
`;

/**
 * A repository of packages of rpm's kind, for dnf: `odd` has other users' files and set-id bits, and needs
 * `odd-crew`, which adds the users; `odd-capable` and `odd-device` have a capability and a device. The shell
 * that scripts of packages need is Debian's, of which dnf knows nothing.
 * @returns the folder
 */
export async function oddPackages(parent: string): Promise<string> {
  const top = mkdtempSync(join(parent, "odd-"));
  chmodSync(top, 0o755);
  const source = join(top, "odd.spec");
  writeFileSync(source, spec);
  await execa("rpmbuild", ["-bb", "--quiet", "--nodeps", "--define", `_topdir ${top}`, source]);
  const repository = join(top, "RPMS/noarch");
  mkdirSync(repository, { recursive: true });
  await execa("createrepo_c", ["--quiet", repository]);
  return repository;
}
