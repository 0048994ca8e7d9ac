// `npm run check`: types, lint, format, dead code, and whether generated pages are fresh. The walls are test/architecture.test.ts.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { nodeExecutable, root } from "./machine.mjs";

const bin = (name) => join(root, "node_modules", ".bin", name);
const node = nodeExecutable();
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
const CHECKS = [
  ["types", bin("tsc"), ["-p", "."]],
  ["lint", bin("oxlint"), ["--deny-warnings"]],
  ["format", bin("oxfmt"), ["--check", "."]],
  ["dead code", bin("knip"), []],
  [
    "architecture",
    node,
    [
      join(root, "node_modules", "vitest", "vitest.mjs"),
      "run",
      "--project",
      "unit",
      "test/architecture.test.ts",
      "--reporter=dot",
    ],
  ],
  ["generated pages", node, [join(root, "tools", "docs.mjs"), "--check"]],
];

let failed = 0;
for (const [name, command, args] of CHECKS) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", env });
  const ok = result.status === 0;
  process.stdout.write(`${ok ? "✓" : "✗"} ${name}\n`);
  if (!ok) {
    failed++;
    process.stdout.write(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}\n`);
  }
}
process.exit(failed === 0 ? 0 : 1);
