// How often ordinary text is taken for a secret: what stands in the packages that are installed here.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { SecretScanner } from "./index.ts";

const MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));
/** Documents, code, minified code, lock files with hashes, source maps with base64. */
const TEXTS = /\.(?:md|json|js|cjs|mjs|ts|map|css|html|txt|ya?ml)$|^(?:README|LICENSE|CHANGELOG)/i;
/** About as much as a tool answers. */
const ANSWER_CHARS = 20_000;
const ANSWERS = 4000;
/** Samples that are secrets by their form, and stand in tests and guides on purpose. */
const SAMPLES = /ghp_PersonalAccessToken|-----BEGIN [A-Z ]*PRIVATE KEY-----|eyJhbGciOi|AKIA/;

function* answers(directory: string): Iterable<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* answers(path);
    if (!entry.isFile() || !TEXTS.test(entry.name) || statSync(path).size > 300_000) continue;
    const text = readFileSync(path, "utf8");
    for (let at = 0; at < text.length; at += ANSWER_CHARS) yield text.slice(at, at + ANSWER_CHARS);
  }
}

it("takes at most one ordinary answer in a thousand for one with a secret", () => {
  const scanner = new SecretScanner();
  const wrong: string[] = [];
  let count = 0;
  for (const answer of answers(MODULES)) {
    if (++count > ANSWERS) break;
    for (const { start, end } of scanner.find(answer)) {
      const text = answer.slice(Math.max(0, start - 40), end);
      if (!SAMPLES.test(text)) wrong.push(text.slice(0, 160));
    }
  }
  expect(count).toBeGreaterThan(1000);
  expect({ wrong, isFew: wrong.length <= count / 1000 }).toMatchObject({ isFew: true });
});

it.each([
  ["UUIDs", (seed: number) => `id: ${uuid(seed)}\nkey: ${uuid(seed + 1)}\n`],
  ["digests", (seed: number) => `"integrity": "sha512-${base64(seed, 64)}", "sha": "${hex(seed, 40)}"\n`],
  ["pictures", (seed: number) => `data:image/png;base64,${base64(seed, 900)}\n`],
  [
    "lines of a log",
    (seed: number) => `2026-11-24T10:00:00Z INFO request=${hex(seed, 32)} token_count=${seed} user=${seed}\n`,
  ],
  ["commits", (seed: number) => `* ${hex(seed, 7)} (HEAD) ${hex(seed, 40)} Merge pull request #${seed}\n`],
])("takes no %s for secrets", (_what, make) => {
  const scanner = new SecretScanner();
  const text = Array.from({ length: 1000 }, (_, seed) => make(seed)).join("");
  expect(scanner.find(text)).toEqual([]);
});

/** Numbers drawn from a seed, the same each time (xorshift). */
function bytes(seed: number, length: number): Buffer {
  let state = (seed + 1) * 2_654_435_761;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 255;
    }),
  );
}

function hex(seed: number, length: number): string {
  return bytes(seed, length).toString("hex").slice(0, length);
}

function base64(seed: number, length: number): string {
  return bytes(seed, length).toString("base64");
}

function uuid(seed: number): string {
  const text = hex(seed, 32);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}
