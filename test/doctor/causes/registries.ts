// What keeps a build from registries.

import { registry, type Case } from "./case.ts";

export const registryCases: readonly Case[] = [
  {
    title: "a proxy that is no address",
    who: "user",
    env: { HTTPS_PROXY: "proxy example", https_proxy: "proxy example" },
    definition: "Bootstrap: docker\nFrom: registry.example/nothing:1\n",
    code: "source/bad-proxy",
  },
  {
    title: "a proxy that nobody is behind",
    who: "user",
    env: { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" },
    definition: "Bootstrap: docker\nFrom: registry.example/nothing:1\n",
    image: "docker://registry.example/nothing:1",
    code: "source/unreachable",
  },
  {
    title: "a registry that is not there",
    who: "user",
    definition: registry,
    image: "docker://127.0.0.1:9/nothing:1",
    code: "source/unreachable",
  },
  {
    title: "logins that are no JSON",
    who: "user",
    env: { REGISTRY_AUTH_FILE: "/etc/passwd" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-login-store",
    onlyDoctor: true,
  },
  {
    title: "logins that can't be read",
    who: "user",
    env: { REGISTRY_AUTH_FILE: "/etc/shadow" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-login-store",
    onlyDoctor: true,
  },
  {
    title: "a registries.conf of nonsense",
    who: "user",
    env: { CONTAINERS_REGISTRIES_CONF: "/etc/passwd" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-registries-conf",
    goesOn: true,
  },
  {
    title: "certificates that can't be read",
    who: "user",
    env: { SSL_CERT_FILE: "/etc/shadow" },
    code: "host/certificates",
    onlyDoctor: true,
  },
  {
    title: "a folder of certificates that is not there",
    who: "user",
    env: { SSL_CERT_DIR: "/nowhere/certs" },
    code: "host/certificates",
    onlyDoctor: true,
  },
];
