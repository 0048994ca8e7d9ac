// What can be named as a server, and what of it is taken.
import { describe, expect, it } from "vitest";
import { choosePackage } from "./choose-package.ts";
import { describedBy } from "./described-by.ts";
import { nameOfPackage } from "./made-server-json.ts";
import { parseServerJson, plainArguments, type ServerPackage } from "./server-json.schema.ts";
import { parseServerSource } from "./server-source.ts";
import { transportOf } from "./server-transport.ts";

describe("a source", () => {
  it.each([
    ["npm:@scope/server@1.2.3", { type: "npm", name: "@scope/server", version: "1.2.3" }],
    ["npm:server@1.2.3-rc.1", { type: "npm", name: "server", version: "1.2.3-rc.1" }],
    ["pypi:mcp-server-time==2026.10.19", { type: "pypi", name: "mcp-server-time", version: "2026.10.19" }],
    ["pypi:a@1.0", { type: "pypi", name: "a", version: "1.0" }],
    ["image:ghcr.io/a/b:1", { type: "image", reference: "ghcr.io/a/b:1" }],
    ["image:/tmp/a.tar", { type: "image", reference: "/tmp/a.tar" }],
    ["registry:com.example/x@1.0.0", { type: "registry", name: "com.example/x", version: "1.0.0" }],
    ["registry:com.example/x", { type: "registry", name: "com.example/x", version: "latest" }],
    ["https://example.com/server.json", { type: "server-url", url: "https://example.com/server.json" }],
    ["/a/b.mcpb", { type: "mcpb", path: "/a/b.mcpb" }],
    ["/a/server.json", { type: "server-json", path: "/a/server.json" }],
    ["/a/b", { type: "directory", path: "/a/b" }],
  ])("is told apart: %s", (text, source) => {
    expect(parseServerSource(text)).toEqual(source);
  });

  it.each([
    "npm:server",
    "npm:server@latest",
    "npm:server@^1.0.0",
    "npm:server@1.x",
    "npm:../x@1.0.0",
    "npm:@a/b/c@1.0.0",
    "npm:--flag@1.0.0",
    "npm:git+ssh://x@1.0.0",
    "pypi:a",
    "pypi:a>=1",
    "pypi:--index-url==1",
    "pypi:a==1; b",
    "pypi:a @ https://x==1",
    "image:",
    "registry:x",
    "relative/path",
  ])("is refused: %s", (text) => {
    expect(() => parseServerSource(text)).toThrow(expect.objectContaining({ code: "mcp-server.source-invalid" }));
  });
});

const serverOf = (more: object): ReturnType<typeof parseServerJson> =>
  parseServerJson(Buffer.from(JSON.stringify({ name: "com.example/x", description: "d", version: "1.0.0", ...more })));
const of = (registryType: string, transport = "stdio"): object => ({
  registryType,
  identifier: `${registryType}-x`,
  transport: { type: transport },
});

describe("server.json", () => {
  it.each([
    [["oci", "npm"], "npm"],
    [["nuget", "pypi", "oci"], "pypi"],
    [["oci", "mcpb"], "mcpb"],
    [["cargo", "oci"], "oci"],
  ])("of %j gives the package that is best checked", (types, best) => {
    const { registryType } = choosePackage(serverOf({ packages: types.map((type) => of(type)) }), "s");
    expect(registryType).toBe(best);
  });

  it("prefers what speaks stdio, which the gateway starts itself", () => {
    const server = serverOf({ packages: [of("npm", "streamable-http"), of("oci")] });
    expect(choosePackage(server, "s").registryType).toBe("oci");
  });

  it("with remotes alone has nothing to pack, and says where it is", () => {
    const server = serverOf({ remotes: [{ type: "streamable-http", url: "https://x.example/mcp" }] });
    expect(() => choosePackage(server, "s")).toThrow(
      expect.objectContaining({
        code: "mcp-server.remote-only",
        message: expect.stringContaining("https://x.example"),
      }),
    );
  });

  it("with packages that nobody can pack says which", () => {
    expect(() => choosePackage(serverOf({ packages: [of("nuget"), of("cargo")] }), "s")).toThrow(/nuget, cargo/);
  });

  it("of the first published schema is read by its own names", () => {
    const { packages, env } = serverOf({
      packages: [
        {
          registry_type: "npm",
          identifier: "x",
          file_sha256: "a".repeat(64),
          environment_variables: [
            { name: "MODE", default: "quiet" },
            { name: "KEY", is_secret: true, default: "s3cret" },
          ],
        },
      ],
    });
    expect(packages[0]).toMatchObject({ registryType: "npm", fileSha256: "a".repeat(64) });
    expect(env).toEqual({ MODE: "quiet" });
  });

  it("gives arguments that are the same for everybody, and no others", () => {
    const list: ServerPackage["packageArguments"] = [
      { type: "positional", value: "serve" },
      { type: "named", name: "--port", value: "80" },
      { type: "named", name: "--verbose" },
      { type: "named", name: "--key", isSecret: true, default: "s3cret" },
      { type: "named", name: "--dir", value: "{dir}", variables: { dir: {} } },
      { type: "positional", isRequired: true },
    ];
    expect(plainArguments(list)).toEqual(["serve", "--port", "80", "--verbose"]);
  });

  it("tells the transport, with the port that is fixed", () => {
    expect(transportOf(undefined)).toEqual({ type: "stdio" });
    expect(transportOf({ transport: { type: "streamable-http", url: "http://127.0.0.1:8080/mcp" } })).toEqual({
      type: "streamable-http",
      port: 8080,
      path: "/mcp",
    });
    expect(transportOf({ transport: { type: "sse", url: "http://{host}:{port}" } })).toEqual({ type: "sse" });
  });
});

describe("a package under a server.json", () => {
  const server = serverOf({ packages: [of("npm")] });
  const describes = { server, serverJson: Buffer.from("{}"), package: server.packages[0]! };
  const prove = (stated: string | undefined) => () =>
    describedBy(describes, { source: "npm:x@1.0.0", stated }, () => "");

  it("that names another server is refused", () => {
    expect(prove("com.other/x")).toThrow(expect.objectContaining({ code: "mcp-server.name-not-proven" }));
  });

  it("that names none is taken with a note, and one that names it without", () => {
    expect(prove(undefined)().notes).toEqual(["npm:x@1.0.0 does not say that it is com.example/x"]);
    expect(prove("com.example/x")().notes).toEqual([]);
  });

  it("that states no name gets one under the place it is published at", () => {
    expect(nameOfPackage("org.npmjs", "@scope/server")).toBe("org.npmjs.scope/server");
    expect(nameOfPackage("org.pypi", "mcp_server.x")).toBe("org.pypi/mcp_server.x");
    expect(nameOfPackage("dev.pratique.local", "My Server!")).toBe("dev.pratique.local/My-Server");
  });
});
