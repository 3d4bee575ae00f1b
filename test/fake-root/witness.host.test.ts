// What is known of scripts that run by bubblewrap and proot: owners come right, all else is named.

import type { ExecutionContext } from "ava";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { runDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer, DriverScript } from "../helpers/script-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && ["busybox", "bwrap", "proot"].every((name) => isInstalled(name));

async function run(
  t: ExecutionContext,
  way: string,
  scripts: readonly DriverScript[],
  look: readonly string[],
): Promise<DriverAnswer> {
  const answer = await runDriver({ way, scripts, look });
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  return answer;
}

const owners = ({ nodes }: DriverAnswer): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(nodes).map(([path, node]) => [
      path,
      node === null ? undefined : `${node.uid}:${node.gid}`,
    ]),
  );

/** What is told to be lost, line by line. */
const lost = ({ warnings }: DriverAnswer): string[] =>
  warnings.flatMap((warning) =>
    warning.startsWith("host/lost-attributes") ? warning.split("\n").slice(1) : [],
  );

const body = `
mkdir -p /srv/d
touch /srv/a /srv/d/b /srv/suid /srv/moved /srv/roots
chown 5:6 /srv/a
cd /srv; chown 7:8 d/b; chown 40:41 moved; mv moved to
chmod 4755 suid; chown 12:12 suid
mknod null c 1 3; chown 1:1 null || true
ln -s nowhere link; chown -h 11:12 link
ln -s /srv/d /ld; touch /ld/c; chown 21:22 /ld/c
chown 0:0 roots
chown 1:1 /nowhere && exit 7
mkdir gone; chown 4:4 gone; rmdir gone
for N in 1 2 3 4 5 6 7 8 9; do touch again; chown 9:9 again; rm again; done; touch again
`;
const look = ["a", "d/b", "d/c", "suid", "to", "link", "roots", "again"].map(
  (name) => `srv/${name}`,
);

hostTest(
  "root, busybox, bwrap, proot",
  isPossible,
  "bwrap: what is given to a user with the number of whoever builds is that one's",
  async (t) => {
    const { uid, gid } = plainUser();
    const body = `touch /own /roots; mkdir /folder; chown ${uid}:${gid} /own /folder; chown 0:0 /roots`;
    const answer = await run(t, "bwrap", [{ section: "post", body }], ["own", "folder", "roots"]);
    t.deepEqual(owners(answer), {
      own: `${uid}:${gid}`,
      folder: `${uid}:${gid}`,
      roots: "0:0",
    });
    t.deepEqual(lost(answer), []);
  },
);

for (const way of ["bwrap", "proot"]) {
  hostTest(
    "root, busybox, bwrap, proot",
    isPossible,
    `${way}: owners are noted, the rest is named`,
    async (t) => {
      const answer = await run(t, way, [{ section: "post", body }], look);
      t.deepEqual(owners(answer), {
        "srv/a": "5:6",
        "srv/d/b": "7:8",
        "srv/d/c": "21:22",
        "srv/suid": "12:12",
        "srv/to": "40:41",
        "srv/link": "11:12",
        "srv/roots": "0:0",
        "srv/again": "0:0",
      });
      t.deepEqual(lost(answer).toSorted(), [
        "/srv/null: device c 1:3",
        "/srv/suid: set-id bits stay with a new owner",
      ]);
    },
  );

  hostTest(
    "root, busybox, bwrap, proot",
    isPossible,
    `${way}: where nothing is lost nothing is told`,
    async (t) => {
      const answer = await run(
        t,
        way,
        [
          {
            section: "post",
            body: "mkdir /srv; touch /srv/a; chown 33:33 /srv/a; chmod 640 /srv/a\n",
          },
        ],
        ["srv/a"],
      );
      t.deepEqual(owners(answer), { "srv/a": "33:33" });
      t.is(answer.nodes["srv/a"]?.mode, "640");
      t.deepEqual(lost(answer), []);
    },
  );
}

hostTest(
  "root, busybox, bwrap",
  isPossible,
  "bwrap: a script on the host gives files of the root away",
  async (t) => {
    const setup = `
mkdir -p "$APPTAINER_ROOTFS/opt"; cd "$APPTAINER_ROOTFS/opt"; touch a b
chown 5:6 a; chown 7:8 "$APPTAINER_ROOTFS/opt/b"
`;
    const answer = await run(
      t,
      "bwrap",
      [
        { section: "setup", body: setup },
        { section: "post", body: "chown :9 /opt/a; true\n" },
      ],
      ["opt/a", "opt/b"],
    );
    t.is(owners(answer)["opt/b"], "7:8");
    // To busybox, which asks for what it is not to change, the file is root's.
    t.regex(owners(answer)["opt/a"] ?? "", /^[05]:9$/);
  },
);
