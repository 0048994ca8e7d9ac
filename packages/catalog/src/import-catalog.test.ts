// Others' documents as they are found: lists, single ones, and what is none of them.
import type { Json } from "@pratique/core";
import { describe, expect, it } from "vitest";
import { checkCatalog, parseCatalog, writeCatalogYaml } from "./catalog-document.ts";
import { editCatalog } from "./edit-catalog.ts";
import { exportCatalog } from "./export-catalog.ts";
import { importDocker, importMcpb, importServerJson, importToolhive, originalOf } from "./import-catalog.ts";
import { mergeEntry } from "./merge-entry.ts";
import { datedAfter, publishProblems } from "./publishable.ts";
import { readDocument } from "./read-document.ts";

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const catalogOf = (list: { entries: readonly unknown[]; other: unknown }): ReturnType<typeof checkCatalog> =>
  checkCatalog(plain({ name: "c", version: "1", entries: list.entries, other: list.other }));

const DOCKER: Json = {
  version: 3,
  name: "docker-mcp",
  displayName: "Docker MCP Catalog",
  registry: {
    SQLite: {
      type: "server",
      image: `mcp/sqlite@sha256:${"a".repeat(64)}`,
      title: "SQLite",
      disableNetwork: true,
      volumes: ["{{SQLite.paths|volume|into}}"],
      command: ["--db", "{{SQLite.path}}"],
      config: [{ name: "SQLite", type: "object", properties: { path: { type: "string" } } }],
    },
    sqlite: {
      type: "server",
      image: "mcp/other",
      allowHosts: ["x.org:443", "y.org"],
      secrets: [{ name: "sqlite.key", env: "KEY" }],
      longLived: true,
    },
    curl: {
      type: "poci",
      tools: [
        {
          name: "curl",
          description: "",
          container: { image: "alpine/curl", command: ["{{args|into}}"] },
          parameters: { type: "object", properties: {} },
        },
      ],
    },
    apify: {
      type: "remote",
      remote: {
        url: "https://mcp.apify.com",
        transport_type: "streamable-http",
        headers: { Authorization: "Bearer ${KEY}" },
      },
      secrets: [{ name: "apify.key", env: "KEY" }],
      oauth: { providers: [{ provider: "apify" }], scopes: ["read"] },
    },
    old: { type: "remote", sseEndpoint: "https://old.example.com/sse" },
  },
};

describe("Docker's catalog", () => {
  const list = importDocker(DOCKER, "catalog.yaml");

  it("comes out as it came in, each server and what stands beside them", () => {
    expect(plain(exportCatalog(catalogOf(list), "docker"))).toEqual(DOCKER);
  });

  it("is said in our words where there are some", () => {
    const [sqlite, second, curl, apify, old] = list.entries;
    expect(sqlite).toMatchObject({
      name: "sqlite",
      image: { reference: "mcp/sqlite", digest: `sha256:${"a".repeat(64)}`, command: ["--db", "{{path}}"] },
      volumes: ["{{paths}}:{{paths}}"],
      network: { hosts: [] },
    });
    expect(sqlite?.network).not.toHaveProperty("unstated");
    expect(second).toMatchObject({ name: "sqlite-2", network: { hosts: ["x.org:443", "y.org:443"] } });
    expect(curl).toMatchObject({ network: { unstated: true }, tools: [{ name: "curl" }] });
    expect(curl?.image).toBe(undefined);
    expect(apify).toMatchObject({
      remote: { url: "https://mcp.apify.com", oauth: { scopes: ["read"] } },
      secrets: [{ name: "apify.key", header: { name: "Authorization", value: "Bearer {}" } }],
      network: { hosts: ["mcp.apify.com:443"] },
    });
    expect(old).toMatchObject({ remote: { url: "https://old.example.com/sse", transport: "sse" } });
  });
});

describe("ToolHive's registry", () => {
  const server = {
    description: "x",
    tier: "Official",
    status: "Active",
    transport: "stdio",
    tools: ["a"],
    image: "ghcr.io/x/y:1",
  };
  const own: Json = {
    $schema: "s",
    version: "1.0.0",
    last_updated: "2026-01-01T00:00:00Z",
    servers: {
      x: {
        ...server,
        permissions: { network: { outbound: { allow_host: [".github.com", "x.org"], allow_port: [443] } } },
        env_vars: [{ name: "TOKEN", description: "t", required: true, secret: true }],
        provenance: { cert_issuer: "i" },
      },
      wide: { ...server, permissions: { network: { outbound: { insecure_allow_all: true } } } },
    },
    remote_servers: {
      y: {
        description: "y",
        status: "Deprecated",
        transport: "sse",
        tools: [],
        url: "https://y.org/sse",
        oauth_config: { issuer: "https://y.org", scopes: ["a"] },
      },
    },
  };
  const list = importToolhive(own, "registry.json");

  it("comes out as it came in", () => {
    expect(plain(exportCatalog(catalogOf(list), "toolhive"))).toEqual(own);
  });

  it("is said in our words where there are some", () => {
    expect(list.entries).toMatchObject([
      {
        network: { hosts: ["github.com:443", "*.github.com:443", "x.org:443"] },
        secrets: [{ env: "TOKEN", required: true }],
      },
      { network: { hosts: [], unstated: true } },
      {
        status: "deprecated",
        remote: { url: "https://y.org/sse", transport: "sse", oauth: { issuer: "https://y.org" } },
      },
    ]);
  });

  it("is read in its newer form, too", () => {
    const extension = {
      status: "Active",
      tier: "Community",
      tools: ["t"],
      permissions: { network: { outbound: { allow_host: ["z.org"] } } },
    };
    const document = {
      name: "io.github.x/z",
      description: "z",
      version: "1.0.0",
      packages: [{ registryType: "oci", identifier: "ghcr.io/x/z:1", transport: { type: "stdio" } }],
      _meta: {
        "io.modelcontextprotocol.registry/publisher-provided": { "io.github.stacklok": { "ghcr.io/x/z:1": extension } },
      },
    };
    const [entry] = importToolhive(
      { version: "1.0.0", meta: { last_updated: "x" }, data: { servers: [document] } },
      "r.json",
    ).entries;
    expect(entry).toMatchObject({
      registryName: "io.github.x/z",
      network: { hosts: ["z.org:443"] },
      tools: [{ name: "t" }],
    });
    expect(plain(originalOf(entry!, "toolhive-meta"))).toEqual(document);
  });
});

describe("server.json", () => {
  const one = (registryType: string, more: object = {}): Json =>
    plain({
      name: "com.example/weather",
      description: "w",
      version: "1.0.0",
      packages: [{ registryType, identifier: "x", version: "1.0.0", transport: { type: "stdio" }, ...more }],
    }) as Json;

  it.each([
    ["npm", { source: "npm:x@1.0.0" }],
    ["pypi", { source: "pypi:x==1.0.0" }],
    ["mcpb", { source: "mcpb:x" }],
    ["oci", { image: { reference: "x:1.0.0" } }],
    ["nuget", {}],
    ["cargo", {}],
  ])("with a package of type %s", (type, found) => {
    const [entry] = importServerJson(one(type), "server.json").entries;
    expect(entry).toMatchObject({
      name: "weather",
      registryName: "com.example/weather",
      network: { unstated: true },
      ...found,
    });
    expect(plain(originalOf(entry!, "server-json"))).toEqual(one(type));
  });

  it("puts no secret into arguments, and asks for what has no value", () => {
    const [entry] = importServerJson(
      one("npm", {
        packageArguments: [
          { type: "named", name: "--token", isSecret: true, isRequired: true },
          { type: "named", name: "--port", default: "80", format: "number" },
          { type: "positional", valueHint: "dirs", isRepeated: true, isRequired: true },
        ],
        environmentVariables: [
          { name: "KEY", isSecret: true, isRequired: true },
          { name: "URL", value: "https://{host}/x", variables: { host: { isRequired: true } } },
        ],
      }),
      "server.json",
    ).entries;
    expect(entry).toMatchObject({
      image: { command: ["--port={{port}}", "{{dirs}}"] },
      env: { URL: "https://{{URL_host}}/x" },
      secrets: [{ name: "weather.key", env: "KEY", required: true }],
      config: { required: ["URL_host", "dirs"] },
    });
  });

  it("of a registry's page keeps what the registry says, and its status", () => {
    const page: Json = {
      servers: [
        {
          server: one("npm"),
          _meta: { "io.modelcontextprotocol.registry/official": { status: "deleted", isLatest: true } },
        },
      ],
      metadata: { count: 1 },
    };
    const list = importServerJson(page, "page", () => "registry:com.example/weather@1.0.0");
    expect(list.entries).toMatchObject([{ status: "deleted", source: "registry:com.example/weather@1.0.0" }]);
    expect(plain(exportCatalog(catalogOf(list), "server-json"))).toEqual(page);
  });
});

it.each<[string, () => unknown]>([
  ["a list", () => importDocker([], "x")],
  ["something else for Docker", () => importDocker({ servers: {} }, "x")],
  ["something else for ToolHive", () => importToolhive({ name: "x" }, "x")],
  ["no server.json", () => importServerJson({ name: "x" }, "x")],
  ["no manifest", () => importMcpb({ version: "1" }, "x", "x")],
])("%s is none of them", (_, read) => {
  expect(read).toThrow(expect.objectContaining({ code: "catalog.import-unknown" }));
});

it("documents are bounded", () => {
  const read = (text: string): unknown => readDocument(Buffer.from(text), "x");
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\n`;
  for (const text of [bomb, "a: 1\na: 2", "!!js/function x", "- ".repeat(5000), "<<: *x"]) {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: "catalog.unreadable" }));
  }
});

describe("a catalog's file", () => {
  const TEXT = `# ours
name: acme # the company
version: 1.0.0
entries:
  # the first
  - name: one
    network: { hosts: [] } # nothing
    remote: { url: "https://one.example.com" }
  - name: two
    network: { hosts: [] }
    remote: { url: "https://two.example.com" }
`;

  it("keeps its comments and what nobody touched", () => {
    const { entries } = parseCatalog(Buffer.from(TEXT));
    const [, two] = entries;
    const text = editCatalog(TEXT, {
      entries: [
        { ...two!, title: "Two" },
        { ...two!, name: "three" },
      ],
      version: "1.1.0",
    });
    expect(text).toContain("# ours\nname: acme # the company\nversion: 1.1.0\n");
    expect(text).toContain("  # the first\n  - name: one\n    network: { hosts: [] } # nothing\n");
    expect(parseCatalog(Buffer.from(text)).entries.map(({ name, title }) => [name, title])).toEqual([
      ["one", undefined],
      ["two", "Two"],
      ["three", undefined],
    ]);
  });

  it("takes entries when it had none", () => {
    const [one] = parseCatalog(Buffer.from(TEXT)).entries;
    const empty = writeCatalogYaml(checkCatalog({ name: "x", version: "1" }));
    expect(parseCatalog(Buffer.from(editCatalog(empty, { entries: [one!] }))).entries).toEqual([one]);
    expect(parseCatalog(Buffer.from(editCatalog("name: x\nversion: '1'\n", { entries: [one!] }))).entries).toEqual([
      one,
    ]);
  });
});

describe("an entry that is imported again", () => {
  it("keeps what was decided here, and what came is still given back", () => {
    const [first] = importDocker(DOCKER, "x").entries.slice(1);
    const decided = {
      ...first!,
      network: { hosts: ["x.org:443"] },
      tools: [{ name: "q", readOnly: true }],
      evidence: { signers: ["ci"], provenance: false, sbom: false },
      life: "per-call" as const,
    };
    const [again] = importDocker({ name: "sqlite", type: "server", image: "mcp/new", extra: 1 }, "x", [
      { name: "q", description: "asks" },
      { name: "w" },
    ]).entries;
    const merged = mergeEntry(decided, again!);
    expect(merged).toMatchObject({
      name: "sqlite-2",
      image: { reference: "mcp/new" },
      network: { hosts: ["x.org:443"] },
      tools: [{ name: "q", description: "asks", readOnly: true }, { name: "w" }],
      evidence: { signers: ["ci"] },
      life: "per-call",
    });
    expect(merged.network).not.toHaveProperty("unstated");
    expect(plain(originalOf(merged, "docker-registry"))).toMatchObject({ server: { name: "sqlite", extra: 1 } });
  });

  it("loses a verdict on a tool that says something else now", () => {
    const [entry] = importDocker({ name: "x", type: "server", image: "x" }, "x", [
      { name: "q", description: "reads" },
    ]).entries;
    const decided = { ...entry!, tools: [{ ...entry!.tools[0]!, readOnly: true }] };
    const [again] = importDocker({ name: "x", type: "server", image: "x" }, "x", [
      { name: "q", description: "deletes" },
    ]).entries;
    expect(mergeEntry(decided, again!).tools[0]).not.toHaveProperty("readOnly");
  });
});

describe("what is published", () => {
  const remote = { network: { hosts: [] }, remote: { url: "https://x.org" } };
  const digest = `sha256:${"a".repeat(64)}`;

  it("says of each entry what it reaches and what it runs", () => {
    const catalog = checkCatalog({
      name: "c",
      version: "1",
      entries: [
        { name: "good", ...remote },
        { name: "packed", network: { hosts: [] }, image: { reference: "x", digest } },
        { name: "unstated", network: { hosts: [], unstated: true }, remote: remote.remote },
        { name: "unpacked", network: { hosts: [] }, source: "npm:x@1.0.0" },
        { name: "tagged", network: { hosts: [] }, image: { reference: "x:1" } },
        { name: "both", ...remote, image: { reference: "x", digest } },
        { name: "gone", network: { hosts: [], unstated: true }, status: "deleted" },
      ],
    });
    expect(publishProblems(catalog).map(({ entry }) => entry)).toEqual(["unstated", "unpacked", "tagged", "both"]);
  });

  it("is dated by what changed, and keeps what is gone", () => {
    const same = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
    const v1 = checkCatalog({
      name: "c",
      version: "1",
      entries: [
        { name: "a", version: "1", ...remote },
        { name: "b", ...remote },
      ],
    });
    const first = datedAfter(undefined, v1, "2026-01-01T00:00:00Z", same);
    expect(datedAfter(first, v1, "2026-02-01T00:00:00Z", same)).toEqual(first);
    const v2 = checkCatalog({ name: "c", version: "2", entries: [{ name: "a", version: "1", title: "A", ...remote }] });
    const second = datedAfter(first, v2, "2026-03-01T00:00:00Z", same);
    expect(second.entries).toMatchObject([
      { name: "a", publishedAt: "2026-01-01T00:00:00Z", updatedAt: "2026-03-01T00:00:00Z" },
      { name: "b", status: "deleted", updatedAt: "2026-03-01T00:00:00Z" },
    ]);
    const back = datedAfter(second, v1, "2026-04-01T00:00:00Z", same);
    expect(back.entries.map(({ status }) => status)).toEqual(["active", "active"]);
  });
});
