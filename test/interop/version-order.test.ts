// Version orders against the tools that define them: dpkg, rpm and Python's packaging, on made-up versions.
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dpkgOrder } from "../../packages/vulnerabilities/src/versions/dpkg.ts";
import { pep440Order } from "../../packages/vulnerabilities/src/versions/pep440.ts";
import { compareSegments } from "../../packages/vulnerabilities/src/versions/rpm.ts";

const run = promisify(execFile);
const PAIRS = 300;

function pairsOf(part: fc.Arbitrary<string>, glue: fc.Arbitrary<string>): [string, string][] {
  const version = fc
    .tuple(fc.constantFrom("0", "1", "10", "2"), fc.array(fc.tuple(glue, part), { maxLength: 4 }))
    .map(([first, rest]) => first + rest.map((piece) => piece.join("")).join(""));
  return fc.sample(fc.tuple(version, version), { numRuns: PAIRS, seed: 7 });
}

const words = fc.constantFrom("0", "1", "2", "10", "01", "a", "b", "rc", "alpha", "Z");

const sign = (order: number): number => Math.sign(order) + 0;

it("is dpkg's", async () => {
  const pairs = pairsOf(words, fc.constantFrom(".", "-", "~", "+", "")).filter(
    ([a, b]) => !a.endsWith("-") && !b.endsWith("-"),
  );
  const script = pairs.map(
    ([a, b]) =>
      `if dpkg --compare-versions '${a}' lt '${b}'; then echo -1; elif dpkg --compare-versions '${a}' gt '${b}'; then echo 1; else echo 0; fi`,
  );
  const { stdout } = await run("sh", ["-c", script.join("\n")]);
  const theirs = stdout.trim().split("\n").map(Number);
  expect(pairs.map(([a, b]) => `${a} ${b} ${sign(ours(a, b))}`)).toEqual(
    pairs.map(([a, b], at) => `${a} ${b} ${theirs[at]}`),
  );

  function ours(a: string, b: string): number {
    const [left, right] = [dpkgOrder.parse(a), dpkgOrder.parse(b)];
    return left === undefined || right === undefined ? NaN : dpkgOrder.compare(left, right);
  }
});

const hasRpm = spawnSync("rpm", ["--version"]).status === 0;
describe.skipIf(!hasRpm && !process.env["CI"])("rpm", () => {
  it("orders versions as we do", async () => {
    const pairs = pairsOf(words, fc.constantFrom(".", "_", "~", "^", "+", ""));
    const lua = pairs.map(([a, b]) => `print(rpm.vercmp("${a}", "${b}") .. " ")`).join(" ");
    const { stdout } = await run("rpm", ["--eval", `%{lua: ${lua}}`]);
    const theirs = stdout.trim().split(/\s+/).map(Number);
    expect(pairs.map(([a, b]) => `${a} ${b} ${sign(compareSegments(a, b))}`)).toEqual(
      pairs.map(([a, b], at) => `${a} ${b} ${theirs[at]}`),
    );
  });
});

const hasPackaging = spawnSync("python3", ["-c", "import packaging.version"]).status === 0;
describe.skipIf(!hasPackaging && !process.env["CI"])("Python's packaging", () => {
  it("orders versions as we do", async () => {
    const part = fc.constantFrom("0", "1", "10", "a1", "b", "rc2", "post1", "dev3", "dev");
    const pairs = pairsOf(part, fc.constantFrom(".", "-", "", "!", "+")).filter(
      ([a, b]) => pep440Order.parse(a) && pep440Order.parse(b),
    );
    const program =
      "import sys; from packaging.version import Version as V\nfor line in sys.stdin:\n a, b = map(V, line.split()); print((a > b) - (a < b))";
    const child = spawnSync("python3", ["-c", program], {
      input: pairs.map((pair) => pair.join(" ")).join("\n"),
      encoding: "utf8",
    });
    const theirs = child.stdout.trim().split("\n").map(Number);
    expect(pairs.map(([a, b]) => `${a} ${b} ${ours(a, b)}`)).toEqual(
      pairs.map(([a, b], at) => `${a} ${b} ${theirs[at]}`),
    );

    function ours(a: string, b: string): number {
      const [left, right] = [pep440Order.parse(a), pep440Order.parse(b)];
      return left === undefined || right === undefined ? NaN : sign(pep440Order.compare(left, right));
    }
  });
});
