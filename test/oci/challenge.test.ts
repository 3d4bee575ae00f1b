import test from "ava";
import { parseChallenges } from "../../src/oci/challenge.ts";

const plain = (headers: string | string[] | undefined) =>
  parseChallenges(headers).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ]);

test("Docker Hub's challenge", (t) => {
  t.deepEqual(
    plain(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull"',
    ),
    [
      [
        "bearer",
        {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/x:pull",
        },
      ],
    ],
  );
});

test("a comma in quotes belongs to the value, an escaped quote too", (t) => {
  t.deepEqual(
    plain('Bearer realm="https://nvcr.io/proxy_auth?scope=repository:a:pull,push", x="a\\"b"'),
    [["bearer", { realm: "https://nvcr.io/proxy_auth?scope=repository:a:pull,push", x: 'a"b' }]],
  );
});

test("several challenges, in one header and in several", (t) => {
  const both = [
    ["basic", { realm: "a, b" }],
    ["bearer", { realm: "https://x/t", service: "s" }],
  ];
  t.deepEqual(plain('Basic realm="a, b", Bearer realm="https://x/t",service=s'), both);
  t.deepEqual(plain(['BASIC realm="a, b"', 'bearer Realm="https://x/t" , service = "s"']), both);
});

test("schemes without parameters and tokens that are no parameters", (t) => {
  t.deepEqual(plain("Negotiate"), [["negotiate", {}]]);
  t.deepEqual(plain('Negotiate, Basic realm="x"'), [
    ["negotiate", {}],
    ["basic", { realm: "x" }],
  ]);
  t.deepEqual(plain(undefined), []);
  t.deepEqual(plain(""), []);
});

test("nonsense ends", (t) => {
  for (const text of ['"', 'Bearer realm="unclosed', ",,,", "Bearer ===,,= a", "\u00ff,é"]) {
    t.notThrows(() => parseChallenges(text));
  }
});
