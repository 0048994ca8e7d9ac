// Whatever comes in comes out again, in every format: what an entry has a word for, and what it has none for.
import type { ServerEntry } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCatalog, encodeCatalog, parseCatalog, writeCatalogYaml } from "../catalog-document.ts";
import { distinct } from "../import-catalog.ts";
import { dockerCatalog } from "./docker-catalog.ts";
import { dockerRegistry } from "./docker-registry.ts";
import { exportEntry, importEntry, type EntryFormat } from "./entry-format.ts";
import { mcpb } from "./mcpb.ts";
import { serverJson } from "./server-json.ts";
import { toolhive } from "./toolhive.ts";
import { toolhiveMeta } from "./toolhive-meta.ts";

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "B-2",
    "git hub",
    "{{a.x}}",
    "{{a.paths|volume|into}}",
    "${KEY}",
    "Bearer ${K}",
    "{v}",
    "__proto__",
    "",
  ),
  fc.string({ maxLength: 12 }),
);
const junk = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes("__proto__"))
  .map((text): Json => JSON.parse(text) as Json);
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | Json | undefined> =>
  fc.oneof(
    { weight: 6, arbitrary: value },
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: junk },
  );
const record = (members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(fc.record(members), fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), junk, { maxKeys: 2 }))
    .map(([known, more]) => JSON.stringify({ ...more, ...known }))
    // `readDocument` refuses documents with that member.
    .filter((text) => !text.includes("__proto__"))
    .map((text) => JSON.parse(text) as JsonObject);
const list = (one: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(one, { maxLength: 3 });

const schema = record({
  type: fc.constant("object"),
  properties: some(
    fc.dictionary(word, record({ type: some(word), description: some(word), default: some(junk) }), { maxKeys: 3 }),
  ),
  required: some(list(word)),
  anyOf: some(list(record({ required: list(word) }))),
});
const secret = record({
  name: some(word),
  env: some(word),
  description: some(word),
  required: some(fc.boolean()),
  example: some(word),
});
const env = record({ name: some(word), value: some(word), example: some(word) });
const tool = record({
  name: some(word),
  description: some(word),
  arguments: some(list(record({ name: some(word), type: some(word), desc: some(word), optional: some(fc.boolean()) }))),
  inputSchema: some(schema),
  parameters: some(schema),
  annotations: some(record({ readOnlyHint: some(fc.boolean()) })),
  container: some(record({ image: some(word) })),
});
const remote = record({
  url: some(fc.webUrl()),
  transport_type: some(word),
  headers: some(fc.dictionary(word, word, { maxKeys: 2 })),
});
const run = {
  command: some(list(word)),
  volumes: some(list(word)),
  user: some(word),
  disableNetwork: some(fc.boolean()),
  allowHosts: some(list(fc.constantFrom("api.example.com:443", "x.org", "*.y.net:80"))),
};

const tile = record({
  ...run,
  type: some(fc.constantFrom("server", "remote", "poci")),
  title: some(word),
  image: some(fc.constantFrom("mcp/x", `mcp/x@sha256:${"a".repeat(64)}`, "x:1")),
  secrets: some(list(secret)),
  env: some(list(env)),
  config: some(list(schema)),
  remote: some(remote),
  sseEndpoint: some(fc.webUrl()),
  oauth: some(record({ providers: some(list(record({ provider: some(word) }))), scopes: some(list(word)) })),
  tools: some(list(tool)),
  longLived: some(fc.boolean()),
  metadata: some(record({ category: some(word), tags: some(list(word)), license: some(word), pulls: some(fc.nat()) })),
});
const serverYaml = record({
  name: word,
  type: some(fc.constantFrom("server", "remote", "poci")),
  image: some(word),
  about: some(record({ title: some(word), description: some(word), icon: some(word) })),
  meta: some(record({ category: some(word), tags: some(list(word)) })),
  source: some(record({ project: some(fc.webUrl()), commit: some(word) })),
  run: some(record({ ...run, env: some(fc.dictionary(word, word, { maxKeys: 2 })) })),
  config: some(record({ secrets: some(list(secret)), env: some(list(env)), parameters: some(schema) })),
  remote: some(remote),
  oauth: some(list(record({ provider: some(word), secret: some(word) }))),
  tools: some(list(tool)),
});
const input = {
  description: some(word),
  isRequired: some(fc.boolean()),
  isSecret: some(fc.boolean()),
  format: some(fc.constantFrom("string", "number", "boolean", "filepath")),
  value: some(word),
  default: some(word),
  choices: some(list(word)),
};
const variables = some(fc.dictionary(fc.constantFrom("v", "K", "x"), record(input), { maxKeys: 2 }));
const keyValue = record({ ...input, name: some(word), variables });
const argument = record({
  ...input,
  type: some(fc.constantFrom("positional", "named")),
  name: some(fc.constantFrom("--port", "-v", "--")),
  valueHint: some(word),
  isRepeated: some(fc.boolean()),
  variables,
});
const serverDocument = record({
  $schema: some(word),
  name: some(fc.constantFrom("io.github.x/y", "com.example/weather")),
  title: some(word),
  description: some(word),
  version: some(fc.constantFrom("1.0.0", "latest", "^1")),
  repository: some(record({ url: some(fc.webUrl()), source: some(word), id: some(word) })),
  icons: some(list(record({ src: some(fc.webUrl()) }))),
  packages: some(
    list(
      record({
        registryType: some(fc.constantFrom("npm", "pypi", "nuget", "oci", "mcpb", "cargo")),
        identifier: some(
          fc.constantFrom("@x/y", "x", "ghcr.io/x/y:1", `x@sha256:${"b".repeat(64)}`, "https://x.org/y.mcpb"),
        ),
        version: some(word),
        fileSha256: some(word),
        runtimeHint: some(word),
        runtimeArguments: some(list(argument)),
        packageArguments: some(list(argument)),
        environmentVariables: some(list(keyValue)),
        transport: some(
          record({ type: some(fc.constantFrom("stdio", "sse", "streamable-http")), url: some(fc.webUrl()) }),
        ),
      }),
    ),
  ),
  remotes: some(
    list(
      record({
        type: some(word),
        url: some(fc.constantFrom("https://{v}.x.org/mcp", "https://x.org")),
        headers: some(list(keyValue)),
        variables,
      }),
    ),
  ),
});
const hive = record({
  title: some(word),
  status: some(fc.constantFrom("Active", "Deprecated")),
  transport: some(fc.constantFrom("stdio", "sse", "streamable-http")),
  image: some(fc.constantFrom("ghcr.io/x/y:1", "x")),
  url: some(fc.webUrl()),
  target_port: some(fc.integer()),
  args: some(list(word)),
  tools: some(list(word)),
  tool_definitions: some(list(tool)),
  env_vars: some(
    list(record({ name: some(word), required: some(fc.boolean()), secret: some(fc.boolean()), default: some(word) })),
  ),
  headers: some(list(record({ name: some(word), secret: some(fc.boolean()) }))),
  oauth_config: some(record({ issuer: some(word), scopes: some(list(word)) })),
  permissions: some(
    record({
      network: some(
        record({
          outbound: some(
            record({
              allow_host: some(list(fc.constantFrom(".github.com", "x.org"))),
              allow_port: some(list(fc.nat(70_000))),
              insecure_allow_all: some(fc.boolean()),
            }),
          ),
        }),
      ),
      read: some(list(word)),
    }),
  ),
});
const manifest = record({
  manifest_version: some(fc.constantFrom("0.1", "0.2", "0.3", "0.4")),
  name: some(word),
  display_name: some(word),
  server: some(
    record({
      type: some(word),
      mcp_config: some(
        record({
          command: some(word),
          args: some(list(fc.constantFrom("${user_config.a}", "--x=${user_config.b}", "${__dirname}/x.js"))),
          env: some(
            fc.dictionary(word, fc.constantFrom("1", "${user_config.a}", "${user_config.b}-x"), { maxKeys: 2 }),
          ),
          platform_overrides: some(
            fc.dictionary(fc.constantFrom("linux", "win32"), record({ env: some(fc.dictionary(word, word)) })),
          ),
        }),
      ),
    }),
  ),
  tools: some(list(tool)),
  tools_generated: some(fc.boolean()),
  keywords: some(list(word)),
  user_config: some(
    fc.dictionary(
      fc.constantFrom("a", "b"),
      record({
        type: some(fc.constantFrom("string", "number", "boolean", "directory", "file")),
        title: some(word),
        required: some(fc.boolean()),
        sensitive: some(fc.boolean()),
        multiple: some(fc.boolean()),
        default: some(junk),
        min: some(fc.integer()),
      }),
    ),
  ),
});
const keyed = (value: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
  fc.tuple(fc.constantFrom("git-hub", "SQLite", "a"), value).map(([key, one]) => ({ key, value: one }));

const CASES: readonly (readonly [EntryFormat, fc.Arbitrary<JsonObject>])[] = [
  [dockerCatalog, keyed(tile)],
  [dockerRegistry, record({ server: serverYaml, tools: some(list(tool)) })],
  [serverJson, serverDocument],
  [toolhive, keyed(hive)],
  [toolhiveMeta, serverDocument],
  [mcpb, manifest],
];

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.each(CASES)("$id", (format, documents) => {
  it("is said in an entry, and comes out of it as it came in, also after both forms of a catalog", () => {
    fc.assert(
      fc.property(documents, (document) => {
        const entry = importEntry(format, document);
        expect(plain(exportEntry(format, entry))).toEqual(document);
        const catalog = checkCatalog({ name: "c", version: "1", entries: [entry] });
        const [written] = parseCatalog(Buffer.from(writeCatalogYaml(catalog))).entries;
        expect(plain(exportEntry(format, written!))).toEqual(document);
        expect(encodeCatalog(parseCatalog(encodeCatalog(catalog)))).toEqual(encodeCatalog(catalog));
        const [, second] = distinct([entry, entry]) as [ServerEntry, ServerEntry];
        expect(second.name).toBe(`${entry.name}-2`);
        expect(plain(exportEntry(format, second))).toEqual(document);
      }),
      { numRuns: 20 },
    );
  });
});
