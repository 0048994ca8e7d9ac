// Docker's catalog, versions 2 and 3: one tile a server in the map `registry` (mcp-gateway pkg/catalog/types.go).
import { flag, object, objects, present, text, texts } from "../loose.ts";
import { readDockerParts, writeDockerWords } from "./docker-parts.ts";
import type { EntryFormat } from "./entry-format.ts";

/** `{ key, value }`: a tile and its key in the map. */
export const dockerCatalog: EntryFormat = {
  id: "docker-catalog",
  read(document) {
    const tile = object(document, "value") ?? {};
    const name = text(document, "key", 200) ?? "server";
    const [metadata, oauth] = [object(tile, "metadata"), object(tile, "oauth")];
    const endpoint = text(tile, "sseEndpoint");
    const [schema] = objects(tile, "config");
    const entry = readDockerParts({
      name,
      image: text(tile, "image", 590),
      run: tile,
      secrets: objects(tile, "secrets", 100),
      // A tile's `env` is a list, a server.yaml's `run.env` a map.
      env: objects(tile, "env"),
      remote:
        text(object(tile, "remote"), "url") === undefined && endpoint !== undefined
          ? { url: endpoint, transport_type: "sse" }
          : object(tile, "remote"),
      schema,
      hasOauth: objects(oauth, "providers").length > 0,
      scopes: texts(oauth, "scopes", 100, 200),
      tools: objects(tile, "tools"),
      isPoci: text(tile, "type") === "poci",
    });
    const [title, description, icon, licence, source] = [
      text(tile, "title", 200),
      text(tile, "description", 5000),
      text(tile, "icon"),
      text(metadata, "license", 200),
      text(tile, "upstream") ?? text(tile, "source"),
    ];
    const category = text(metadata, "category", 200);
    return {
      ...entry,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(icon === undefined ? {} : { icon }),
      ...(licence === undefined ? {} : { licence }),
      ...(source === undefined ? {} : { repository: source }),
      ...(flag(tile, "longLived") === false ? { life: "per-call" as const } : {}),
      tags: [...new Set([...(category === undefined ? [] : [category]), ...texts(metadata, "tags", 99, 200)])],
    };
  },
  write(entry) {
    const words = writeDockerWords(entry);
    const [category, ...tags] = entry.tags;
    const metadata = present({ category, tags: category === undefined ? undefined : tags, license: entry.licence });
    const value = present({
      title: entry.title,
      description: entry.description,
      type: words.type,
      image: words.image,
      icon: entry.icon,
      upstream: entry.repository,
      ...words.run,
      secrets: words.secrets.length === 0 ? undefined : words.secrets,
      env: words.env.length === 0 ? undefined : words.env,
      remote: words.remote,
      config: words.schema === undefined ? undefined : [words.schema],
      oauth: words.scopes.length === 0 ? undefined : { scopes: [...words.scopes] },
      tools: words.tools.length === 0 ? undefined : words.tools,
      longLived: entry.life === "long-lived" && words.type === "server" ? true : undefined,
      metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    });
    return { key: entry.name, value };
  },
};
