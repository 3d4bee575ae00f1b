import test from "ava";
import { SourceError } from "../../src/model/error.ts";
import { formatReference, parseReference, referenceOfHeader } from "../../src/oci/reference.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

const good: readonly [string, string][] = [
  ["ubuntu", "docker.io/library/ubuntu:latest"],
  ["ubuntu:22.04", "docker.io/library/ubuntu:22.04"],
  ["library/ubuntu", "docker.io/library/ubuntu:latest"],
  ["rocm/dev-ubuntu-22.04:6.0", "docker.io/rocm/dev-ubuntu-22.04:6.0"],
  ["docker.io/ubuntu", "docker.io/library/ubuntu:latest"],
  ["index.docker.io/ubuntu", "docker.io/library/ubuntu:latest"],
  ["registry-1.docker.io/a/b", "docker.io/a/b:latest"],
  ["quay.io/biocontainers/bwa:0.7.17--h5bf99c6_8", "quay.io/biocontainers/bwa:0.7.17--h5bf99c6_8"],
  ["localhost/x", "localhost/x:latest"],
  ["localhost:5000/x:1", "localhost:5000/x:1"],
  ["127.0.0.1:5000/a/b/c:T_a.g-1", "127.0.0.1:5000/a/b/c:T_a.g-1"],
  ["[::1]:5000/x", "[::1]:5000/x:latest"],
  ["host:80/x", "host:80/x:latest"],
  ["EXAMPLE.com/x", "example.com/x:latest"],
  [`ubuntu@${digest}`, `docker.io/library/ubuntu@${digest}`],
  [`ubuntu:22.04@${digest}`, `docker.io/library/ubuntu:22.04@${digest}`],
  [`nvcr.io/nvidia/k8s/cuda@${digest}`, `nvcr.io/nvidia/k8s/cuda@${digest}`],
  ["a__b/c--d.e", "docker.io/a__b/c--d.e:latest"],
];

for (const [text, full] of good) {
  test(`${text} is ${full}`, (t) => {
    t.is(formatReference(parseReference(text)), full);
  });
}

const wrong: readonly [string, RegExp][] = [
  ["", /empty/],
  ["Ubuntu", /lower case/],
  ["Foo/bar", /lower case/],
  ["quay.io/Bio/x", /lower case/],
  ["docker://ubuntu", /starts with docker:\/\//],
  ["//ubuntu", /repository/],
  ["ubuntu:", /tag/],
  ["ubuntu:-x", /tag/],
  [`ubuntu:${"x".repeat(129)}`, /tag/],
  ["ubuntu@sha256:abc", /digest/],
  [`ubuntu@sha256:${hex.toUpperCase()}`, /digest/],
  [`ubuntu@md5:${hex}`, /digest/],
  ["a b", /white space/],
  ["a\u0000", /white space/],
  ["a//b", /repository/],
  ["a..b", /repository/],
  ["-a", /repository/],
  ["a___b", /repository/],
  ["example.com/", /repository/],
  ["exa_mple.com/x", /host/],
  ["example.com:port/x", /host/],
  ["example.com:99999/x", /host/],
  ["256.256.256.256/x", /host/],
  [`example.com/${"a".repeat(250)}`, /255/],
];

for (const [text, why] of wrong) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused: ${why.source}`, (t) => {
    const error = t.throws(() => parseReference(text), { instanceOf: SourceError });
    t.is(error.code, "source/bad-reference");
    t.regex(error.message, why);
    t.truthy(error.hint);
  });
}

test("an upper-case name is told with its remedy", (t) => {
  const error = t.throws(() => parseReference("Ubuntu:22.04"), { instanceOf: SourceError });
  t.is(error.hint, "write docker.io/library/ubuntu:22.04");
});

const full = (header: Record<string, string>) =>
  formatReference(referenceOfHeader(new Map(Object.entries(header))));

test("Registry: and Namespace: stand before From:", (t) => {
  t.is(full({ from: "x" }), "docker.io/library/x:latest");
  t.is(full({ from: "x:1", registry: "quay.io" }), "quay.io/x:1");
  t.is(full({ from: "x:1", namespace: "me" }), "docker.io/me/x:1");
  t.is(
    full({ from: "x", registry: "localhost:5000/", namespace: "a/b" }),
    "localhost:5000/a/b/x:latest",
  );
  t.throws(() => full({ registry: "quay.io" }), { instanceOf: SourceError });
});
