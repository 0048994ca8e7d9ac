// The answers of the registry's read API, in the shapes of its OpenAPI (2025-12-01) and of server.json (2025-12-11).
import { ServerEntry } from "@pratique/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { importServerJson } from "../import-catalog.ts";
import { listServers, OFFICIAL_META, serverAnswer, type ListedServer } from "./answer.ts";
import { pageOf, parseServerQuery } from "./query.ts";

/** ServerResponse and ServerDetail, as far as clients rely on them. */
const Input = z.looseObject({
  description: z.string().optional(),
  isRequired: z.boolean().optional(),
  isSecret: z.boolean().optional(),
  value: z.string().optional(),
});
const Named = Input.extend({ name: z.string() });
const Transport = z.looseObject({ type: z.enum(["stdio", "streamable-http", "sse"]), url: z.string().optional() });
const Response = z.strictObject({
  server: z.looseObject({
    name: z
      .string()
      .min(3)
      .max(200)
      .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
    description: z.string().min(1).max(100),
    title: z.string().min(1).max(100).optional(),
    version: z.string().min(1).max(255),
    websiteUrl: z.url().optional(),
    repository: z.looseObject({ url: z.url(), source: z.string() }).optional(),
    icons: z.array(z.looseObject({ src: z.url() })).optional(),
    packages: z
      .array(
        z.looseObject({
          registryType: z.string(),
          identifier: z.string(),
          transport: Transport,
          environmentVariables: z.array(Named).optional(),
          packageArguments: z.array(Input.extend({ type: z.enum(["positional", "named"]) })).optional(),
        }),
      )
      .optional(),
    remotes: z
      .array(
        z.looseObject({
          type: z.enum(["streamable-http", "sse"]),
          url: z.string(),
          headers: z.array(Named).optional(),
        }),
      )
      .optional(),
  }),
  _meta: z.strictObject({
    [OFFICIAL_META]: z.strictObject({
      status: z.enum(["active", "deprecated", "deleted"]),
      statusChangedAt: z.iso.datetime(),
      publishedAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
      isLatest: z.boolean(),
    }),
  }),
});

const entry = (more: object): ServerEntry => ServerEntry.parse({ name: "x", network: { hosts: [] }, ...more });
const answerOf = (one: ServerEntry, address?: string): z.infer<typeof Response> => {
  const [listed] = listServers([one]);
  return Response.parse(JSON.parse(JSON.stringify(serverAnswer(listed!, address))));
};

describe("an answer", () => {
  it("is a server.json of whatever an entry says", () => {
    const { server } = answerOf(
      entry({
        title: "T".repeat(150),
        description: "long ".repeat(100),
        version: "^1",
        icon: "https://x.org/i.png",
        repository: "https://github.com/x/y",
        image: { reference: "team/x", digest: `sha256:${"a".repeat(64)}`, command: ["--dir={{dir}}", "{{all}}", "-v"] },
        env: { A: "1", B: "{{b}}" },
        secrets: [{ name: "x.key", env: "KEY" }],
        config: {
          type: "object",
          properties: { dir: { type: "string" }, all: { type: "array", items: {} }, b: {} },
          required: ["dir"],
        },
      }),
    );
    expect(server).toMatchObject({
      name: "dev.pratique.local/x",
      version: "0.0.0",
      packages: [{ registryType: "oci", identifier: `team/x@sha256:${"a".repeat(64)}` }],
    });
  });

  it("is what its author wrote, but for how it is run once it is packed here", () => {
    const author = {
      $schema: "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
      name: "io.github.x/y",
      description: "Does y",
      version: "1.2.3",
      packages: [{ registryType: "npm", identifier: "@x/y", version: "1.2.3", transport: { type: "stdio" } }],
      _meta: { "io.modelcontextprotocol.registry/publisher-provided": { "x.org": { a: 1 } } },
    };
    const [imported] = importServerJson(author, "server.json").entries;
    expect(answerOf(imported!).server).toMatchObject(author);
    const packed = { ...imported!, image: { reference: "mcp/y", digest: `sha256:${"b".repeat(64)}` } };
    const { server } = answerOf(packed);
    expect(server.packages).toMatchObject([{ registryType: "oci", identifier: `mcp/y@sha256:${"b".repeat(64)}` }]);
    expect(server["_meta"]).toMatchObject(author._meta);
    expect(answerOf(packed, "http://127.0.0.1:7340/mcp/y").server).toMatchObject({
      remotes: [{ type: "streamable-http", url: "http://127.0.0.1:7340/mcp/y" }],
    });
  });
});

const listed = (name: string, more: Partial<ListedServer> = {}): ListedServer => ({
  name,
  version: "1",
  publishedAt: "2026-01-01T00:00:00Z",
  updatedAt: "2026-01-01T00:00:00Z",
  isDeleted: false,
  isLatest: true,
  entry: entry({}),
  ...more,
});
const ask = (servers: readonly ListedServer[], query: Record<string, string>): string[] =>
  pageOf(servers, parseServerQuery(new URLSearchParams(query))).servers.map(
    ({ name, version }) => `${name} ${version}`,
  );

describe("a question", () => {
  const servers = [
    listed("a/new", { updatedAt: "2026-06-01T00:00:00Z" }),
    listed("a/old"),
    listed("b/gone", { isDeleted: true, updatedAt: "2026-06-02T00:00:00Z" }),
    listed("c/two", { version: "1", isLatest: false }),
    listed("c/two", { version: "2" }),
  ];

  it.each<[Record<string, string>, string[]]>([
    [{}, ["a/new 1", "a/old 1", "c/two 1", "c/two 2"]],
    [{ search: "OLD" }, ["a/old 1"]],
    [{ version: "latest" }, ["a/new 1", "a/old 1", "c/two 2"]],
    [{ version: "2" }, ["c/two 2"]],
    [{ include_deleted: "true" }, ["a/new 1", "a/old 1", "b/gone 1", "c/two 1", "c/two 2"]],
    [{ updated_since: "2026-03-01T00:00:00Z" }, ["a/new 1", "b/gone 1"]],
    [{ limit: "1" }, ["a/new 1"]],
  ])("%j", (query, found) => {
    expect(ask(servers, query)).toEqual(found);
  });

  it.each([
    { limit: "0" },
    { limit: "x" },
    { updated_since: "yesterday" },
    { updated_since: "5" },
    { cursor: "%%%" },
    { cursor: "bnVsbA" },
    { search: "x".repeat(201) },
  ])("%j is refused", (query) => {
    expect(() => ask(servers, query)).toThrow(expect.objectContaining({ code: "catalog.bad-query" }));
  });

  it("is answered page by page, each server once, whatever the page and whatever comes in between", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}\/[a-z]{1,3}$/), { maxLength: 40 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 7 }), names, (there, limit, later) => {
        const sorted = (all: readonly string[]): ListedServer[] =>
          [...new Set(all)].toSorted().map((name) => listed(name));
        const seen: string[] = [];
        let cursor: string | undefined;
        let current = sorted(there);
        do {
          const query = parseServerQuery(
            new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) }),
          );
          const page = pageOf(current, query);
          seen.push(...page.servers.map(({ name }) => name));
          cursor = page.nextCursor;
          current = sorted([...there, ...later]);
        } while (cursor !== undefined);
        expect(new Set(seen).size).toBe(seen.length);
        expect(there.filter((name) => !seen.includes(name))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
