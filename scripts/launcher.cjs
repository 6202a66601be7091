#!/usr/bin/env node
// dist/main.js. Loads the host's files, and with each the code that V8 made of it in an earlier run:
// compiling is nearly half of a start. Node 20 keeps such code only for scripts, which is why the host is built as those.
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire, wrap } = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const loaded = new Map();

function load(file) {
  const known = loaded.get(file);
  if (known !== undefined) return known.module.exports;
  const module = { exports: {} };
  const source = readFileSync(file);
  const script = new Script(wrap(source.toString()), {
    filename: file,
    // Another Node refuses it, and compiles.
    cachedData: keptCode(file, source),
  });
  loaded.set(file, { module, script, source });
  const others = createRequire(file);
  const require = (id) => (id.startsWith("./") ? load(join(__dirname, id)) : others(id));
  script.runInThisContext()(module.exports, require, module, file, __dirname);
  return module.exports;
}

// V8 itself compares little more than lengths, and damaged code would end the process.
const digestOf = (source, code) => createHash("sha256").update(source).update(code).digest();

const codeFile = (file) => `${file}.code`;

function keptCode(file, source) {
  try {
    const kept = readFileSync(codeFile(file));
    const code = kept.subarray(32);
    return digestOf(source, code).equals(kept.subarray(0, 32)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function keepCode() {
  for (const [file, { script, source }] of loaded) {
    const code = script.createCachedData();
    writeFileSync(codeFile(file), Buffer.concat([digestOf(source, code), code]));
  }
}

// Set by the build alone, for a run in a folder that nobody uses yet. At the end more functions are compiled than at the start.
if (process.env.FARHELM_KEEP_CODE === "1") process.on("exit", keepCode);

load(join(__dirname, "host.js"));
