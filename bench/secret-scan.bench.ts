// The secret guard's scan of 100 KB answers: CPU beside what the gateway does with them anyway, and beside core's redaction.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { redactJson, type Json } from "@pratique/core";
import { KnownValues, SecretScanner } from "@pratique/secret-scan";
import { ROOT } from "../test/support/program.ts";
import { printTable } from "./measure.ts";

const CHARS = 100_000;
const ROUNDS = 400;

/** As it comes from a parser: one flat string. */
function flat(text: string): string {
  const repeated = text.repeat(Math.ceil(CHARS / text.length)).slice(0, CHARS);
  const parsed: unknown = JSON.parse(JSON.stringify(repeated));
  return String(parsed);
}

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const values = Array.from({ length: 100 }, (_, at) => ({ name: `secret-${at}`, value: `held value ${at * 7919}` }));
const known = new KnownValues(values);
const scanner = new SecretScanner();
const withKnown = new SecretScanner({ known: () => known });

const answers: Readonly<Record<string, Json>> = {
  Markdown: flat(read("CHANGELOG.md")),
  code: flat(read("node_modules/vite/dist/node/chunks/node.js")),
  "lock file": flat(read("package-lock.json")),
  UUIDs: flat(Array.from({ length: 3000 }, () => crypto.randomUUID()).join("\n")),
  "picture in base64": flat(readFileSync(process.execPath).subarray(5_000_000, 5_075_000).toString("base64")),
  "3,000 small members": Array.from({ length: 3000 }, (_, at) => ({ id: at, title: `a short title of ${at}` })),
  "one token in code": `${flat(read("node_modules/vite/dist/node/chunks/node.js"))} ghp_${"A1b2".repeat(9)}`,
};

/** Microseconds of CPU for one. */
function measure(act: () => unknown): number {
  for (let warm = 0; warm < 100; warm++) act();
  const begun = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) act();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / ROUNDS;
}

const rows = Object.entries(answers).map(([name, value]) => {
  const own = measure(() => scanner.redactJson(value));
  const held = measure(() => withKnown.redactJson(value));
  const core = measure(() => redactJson(value));
  const stringified = measure(() => JSON.stringify(value));
  return [name, own, held, core, stringified].map((cell) => (typeof cell === "number" ? cell.toFixed(0) : cell));
});
printTable(
  "Secrets in an answer of 100 KB, µs of CPU",
  ["answer", "scan", "with 100 held values", "core's redaction", "JSON.stringify"],
  rows,
);
