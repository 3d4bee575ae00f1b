#!/usr/bin/env node
"use strict";
// Old-style CommonJS on purpose: it has to parse on any Node, so that an old one gets a sentence and not a stack trace.
var v = process.versions.node.split(".").map(Number);
if (!((v[0] === 24 && v[1] >= 12) || v[0] >= 26)) {
  process.stderr.write(
    "tsbuild: error: this needs Node.js 24.12 or newer (24.x, or 26 and up), and is running on " + process.version + ".\n" +
      "hint: without touching the installed Node: npx -y -p node-linux-" + process.arch + "@24 -p tsbuild tsbuild ...\n"
  );
  process.exit(69);
}
// The pool that inflates and hashes is sized once, before its first use.
process.env.UV_THREADPOOL_SIZE =
  process.env.UV_THREADPOOL_SIZE || String(Math.max(4, require("os").availableParallelism() + 2));
// In a checkout that was not built yet, Node runs the sources as they are.
var built = require("path").join(__dirname, "../dist/program/main.cjs");
if (require("fs").existsSync(built)) require(built);
else {
  import("../src/main.ts").catch(function (error) {
    process.stderr.write("tsbuild: internal error: " + ((error && error.stack) || error) + "\n");
    process.exit(1);
  });
}
