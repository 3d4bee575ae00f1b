import test from "ava";
import {
  hostScriptEnvironment,
  postEnvironment,
  testEnvironment,
} from "../../src/sandbox/script-environment.ts";

const host = {
  PATH: "/home/a/bin:/usr/bin",
  HOME: "/home/a",
  TERM: "xterm",
  SECRET: "s",
  http_proxy: "http://proxy:3128",
  NO_PROXY: "localhost",
  APPTAINERENV_X: "x",
  SINGULARITYENV_X: "weaker",
  SINGULARITYENV_Y: "y",
  APPTAINER_CONTAIN: "1",
  LD_PRELOAD: "/lib/x.so",
  "BASH_FUNC_f%%": "() { :; }",
  TSBUILD_TMPDIR: "/scratch",
};

test("%post gets Apptainer's list, proxies, the terminal's kind, and nothing else of the host", (t) => {
  const { variables, keep, set } = postEnvironment(host, "/tmp/t/rootfs", [
    { source: "/data", destination: "/mnt", readOnly: true },
    { source: "/a", destination: "/etc/hosts", readOnly: false },
  ]);
  t.deepEqual(variables, {
    APPTAINER_APPNAME: "",
    APPTAINER_BIND: "/etc/resolv.conf,/mnt,/etc/hosts",
    APPTAINER_COMMAND: "exec",
    APPTAINER_CONTAINER: "/tmp/t/rootfs",
    APPTAINER_ENVIRONMENT: "/.singularity.d/env/91-environment.sh",
    APPTAINER_LABELS: "/.build.labels",
    APPTAINER_NAME: "rootfs",
    HOME: "/root",
    LANG: "C",
    NO_PROXY: "localhost",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    PWD: "/",
    SINGULARITY_BIND: "/etc/resolv.conf,/mnt,/etc/hosts",
    SINGULARITY_CONTAINER: "/tmp/t/rootfs",
    SINGULARITY_ENVIRONMENT: "/.singularity.d/env/91-environment.sh",
    SINGULARITY_LABELS: "/.build.labels",
    SINGULARITY_NAME: "rootfs",
    TERM: "xterm",
    TSBUILD_SET_X: "x",
    TSBUILD_SET_Y: "y",
    http_proxy: "http://proxy:3128",
  });
  t.deepEqual(keep, []);
  t.deepEqual([...set].toSorted(), ["X", "Y"]);
});

test("%test gets the host's variables where the image sets none, but not those of its shell and files", (t) => {
  const { variables, keep } = testEnvironment(host, "/r/rootfs", []);
  t.deepEqual([...keep].toSorted(), ["NO_PROXY", "SECRET", "TERM", "http_proxy"]);
  t.is(variables["TSBUILD_KEEP_SECRET"], "s");
  t.is(variables["SECRET"], undefined);
  t.is(variables["TSBUILD_KEEP_LD_PRELOAD"], undefined);
  t.is(variables["APPTAINER_CONTAIN"], undefined);
  t.is(variables["LANG"], undefined);
  t.is(variables["APPTAINER_COMMAND"], "test");
  t.is(variables["APPTAINER_LABELS"], undefined);
});

test("%pre and %setup get the host's environment and the place of the root", (t) => {
  const environment = hostScriptEnvironment(host, "/r/rootfs");
  t.is(environment["PATH"], host.PATH);
  t.is(environment["SECRET"], "s");
  t.is(environment["APPTAINER_ROOTFS"], "/r/rootfs");
  t.is(environment["SINGULARITY_ROOTFS"], "/r/rootfs");
  t.is(environment["SINGULARITY_ENVIRONMENT"], "/.singularity.d/env/91-environment.sh");
  t.is(environment["TSBUILD_TMPDIR"], undefined);
});
