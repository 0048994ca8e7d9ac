// What differs between two bills of materials.
import { describe, expect, it } from "vitest";
import type { SbomComponent, SbomDocument } from "../sbom-document.ts";
import { diffSboms } from "./diff-sboms.ts";

const npm = (name: string, version: string, ...licences: string[]): SbomComponent => ({
  type: "library",
  name,
  version,
  purl: `pkg:npm/${name}@${version}`,
  licences,
});
const of = (components: SbomComponent[], properties: SbomComponent["properties"] = {}): SbomDocument => ({
  subject: { name: "a", properties },
  components,
});
const compare = (_type: string, a: string, b: string): number => Number(a.split(".")[0]) - Number(b.split(".")[0]);

describe("diffSboms", () => {
  it("is empty for equal documents", () => {
    const document = of([npm("zod", "1.0.0", "MIT")], { "pratique:tool": "read" });
    const found = diffSboms(document, structuredClone(document), compare);
    expect(Object.values(found).flatMap((part) => (Array.isArray(part) ? part : Object.values(part).flat()))).toEqual(
      [],
    );
  });

  it("tells versions that go up from those that go down, and what came and went", () => {
    const from = of([
      npm("up", "1.0.0"),
      npm("down", "3.0.0"),
      npm("gone", "1.0.0"),
      npm("two", "1.0.0"),
      npm("two", "2.0.0"),
    ]);
    const to = of([npm("up", "2.0.0"), npm("down", "2.0.0"), npm("come", "1.0.0"), npm("two", "3.0.0")]);
    expect(diffSboms(from, to, compare).packages).toEqual({
      added: [{ type: "npm", name: "come", version: "1.0.0" }],
      removed: [
        { type: "npm", name: "gone", version: "1.0.0" },
        { type: "npm", name: "two", version: "1.0.0" },
      ],
      changed: [
        { type: "npm", name: "down", from: "3.0.0", to: "2.0.0", direction: "down" },
        { type: "npm", name: "two", from: "2.0.0", to: "3.0.0", direction: "up" },
        { type: "npm", name: "up", from: "1.0.0", to: "2.0.0", direction: "up" },
      ],
    });
  });

  it("shows permissions, tools, licences, files and what a model says of itself", () => {
    const model = (quantization: string): SbomComponent => ({
      type: "machine-learning-model",
      name: "m",
      model: { quantization },
    });
    const file = (name: string, sha256: string): SbomComponent => ({ type: "file", name, hashes: { sha256 } });
    const from = of([npm("a", "1.0.0", "MIT"), model("Q8_0"), file("x", "1"), file("y", "1")], {
      "pratique:tool": ["read", "write (destructive)"],
      "pratique:permission:user": "65532",
    });
    const to = of([npm("a", "1.0.0", "GPL-3.0-only"), model("Q4_K_M"), file("x", "2"), file("z", "1")], {
      "pratique:tool": "read",
      "pratique:permission:user": "root",
      "pratique:permission:network": ["connect a.example", "listen 80/tcp"],
    });
    const { tools, permissions, licences, files, facts } = diffSboms(from, to, compare);
    expect(tools).toEqual({ added: [], removed: ["write (destructive)"] });
    expect(permissions).toEqual({
      added: ["network connect a.example", "network listen 80/tcp", "user root"],
      removed: ["user 65532"],
    });
    expect(licences).toEqual({ added: ["GPL-3.0-only"], removed: ["MIT"] });
    expect(files).toEqual({ added: ["z"], removed: ["y"], changed: ["x"] });
    expect(facts).toEqual([{ name: "model quantization", from: "Q8_0", to: "Q4_K_M" }]);
  });

  it("names the members of a lock that moved, and does not take them for packages", () => {
    const member = (version: string): SbomComponent => ({
      type: "container",
      name: "tools/weather",
      version,
      purl: `pkg:oci/weather@${version}`,
      properties: { "pratique:lock:type": "mcp-server", "pratique:lock:named": "docker:tools/weather" },
    });
    const { members, packages } = diffSboms(of([member("sha256:a")]), of([member("sha256:b")]), compare);
    expect(members).toEqual([{ name: "mcp-server docker:tools/weather", from: "sha256:a", to: "sha256:b" }]);
    expect(packages).toEqual({ added: [], removed: [], changed: [] });
  });
});
