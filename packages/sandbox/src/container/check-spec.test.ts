// What a specification may not ask for.
import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../sandbox.ts";
import { checkSpec } from "./check-spec.ts";

const plain: SandboxSpec = { name: "n", image: "i", network: "none" };
const at = (path: string): Partial<SandboxSpec> => ({ writable: [{ path }] });

describe("a specification", () => {
  it("may ask for what servers need", () => {
    checkSpec({
      ...plain,
      env: { LANG: "C" },
      secrets: { env: { API_KEY: "x" }, files: { "tls.pem": "x" } },
      writable: [{ path: "/var/cache/app" }],
      mounts: [{ source: "/srv", target: "/srv/notes", isWritable: false }],
    });
  });

  it.each([
    ["a variable that is no name", { secrets: { env: { "A=B": "x" } } }],
    ["a variable with a zero byte", { env: { A: "x\0B=y" } }],
    ["a file outside", { secrets: { files: { "../x": "x" } } }],
    ["a hidden file", { secrets: { files: { ".x": "x" } } }],
    ["secrets without end", { secrets: { env: { A: "x".repeat(600_000) } } }],
    ["the root", at("/")],
    ["the root in another spelling", at("//")],
    ["a way up", at("/var/../etc")],
    ["the kernel's files", at("/proc/sys")],
    ["our own directory", at("/.pratique")],
    ["the secrets' directory", at("/run/secrets/x")],
    ["programs", { mounts: [{ source: "/srv", target: "/usr", isWritable: false }] }],
    ["a relative path", at("tmp")],
    ["a second line", at("/tmp/a\nb")],
  ] as const)("may not ask for %s", (_, more) => {
    expect(() => checkSpec({ ...plain, ...more })).toThrow(expect.objectContaining({ code: "sandbox.spec-invalid" }));
  });
});
