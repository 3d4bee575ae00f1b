import { canMakeUsers } from "../helpers/plain-user.ts";
import { debianRoot } from "../helpers/debian-root.ts";
import { runDriver } from "../helpers/run-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && ["debootstrap", "apt-get"].every((name) => isInstalled(name));

/** Maintainer scripts that make users and groups, give files away, set capabilities and set-id bits. */
const body = `
apt-get update
apt-get install -y --no-install-recommends dbus iputils-ping libcap2-bin attr
getcap -r /usr/bin /bin | sort -u
useradd -m alice
install -o alice -g alice -m 640 /dev/null /home/alice/file
su alice -c 'id -un; echo hi > /dev/stderr; touch ~/own'
setfattr -n user.key -v value /home/alice/file
setcap cap_net_raw+ep /usr/bin/env
getcap /usr/bin/env
echo "deb-src" > /tmp/x
dpkg --audit
`;

/** VFS capability data, revision 2, with no rootid: cap_net_raw in effect. */
const netRaw = "0100000200200000000000000000000000000000";

for (const way of ["root", "subid", "single"]) {
  hostTest(
    "root, debootstrap",
    isPossible,
    `${way}: apt installs packages with users, owners and capabilities`,
    async (t) => {
      const archive = debianRoot();
      const answer = await runDriver({
        way,
        archive,
        scripts: [{ section: "post", body }],
        look: [
          "home/alice/file",
          "home/alice/own",
          "usr/bin/env",
          "bin/ping",
          "etc/shadow",
          "usr/lib/dbus-1.0/dbus-daemon-launch-helper",
          "var/mail",
        ],
      });
      t.is(
        answer.error,
        undefined,
        [...answer.stderr.slice(-30), ...answer.stdout.slice(-30)].join("\n"),
      );
      const { nodes } = answer;
      t.deepEqual(answer.stdout.slice(-2), ["alice", "/usr/bin/env cap_net_raw=ep"]);
      t.is(nodes["home/alice/file"]?.xattrs["user.key"], Buffer.from("value").toString("hex"));
      t.is(nodes["usr/bin/env"]?.xattrs["security.capability"], netRaw);
      t.is(nodes["usr/bin/env"]?.mode, "755");
      t.like(nodes["home/alice/file"], { uid: 1000, gid: 1000, mode: "640" });
      t.like(nodes["home/alice/own"], { uid: 1000 });
      // The base is unpacked by tar here, which can't give files away as one user.
      t.like(nodes["etc/shadow"], way === "single" ? { uid: 0, gid: 0 } : { uid: 0, gid: 42 });
      t.is(nodes["usr/lib/dbus-1.0/dbus-daemon-launch-helper"]?.mode, "4754");
      t.false(answer.paths.includes("etc/apt/apt.conf.d/zzz-tsbuild"));
    },
  );
}
