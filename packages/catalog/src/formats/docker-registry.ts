// docker/mcp-registry: `server.yaml`, with the `tools.json` beside it (pkg/servers/types.go).
import type { ServerEntry } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { object, objects, present, text, texts } from "../loose.ts";
import { readDockerParts, writeDockerWords } from "./docker-parts.ts";
import type { EntryFormat } from "./entry-format.ts";

/** Both files as one document: `{ server, tools }`. */
export const dockerRegistry: EntryFormat = {
  id: "docker-registry",
  read(document) {
    const server = object(document, "server") ?? {};
    const [about, meta, config, run] = ["about", "meta", "config", "run"].map((key) => object(server, key));
    const name = text(server, "name", 200) ?? "server";
    const oauth = objects(server, "oauth");
    const isPoci = text(server, "type") === "poci";
    const listed = objects(server, "tools");
    const entry = readDockerParts({
      name,
      image: text(server, "image", 590),
      run,
      secrets: objects(config, "secrets", 100),
      env: objects(config, "env"),
      remote: object(server, "remote"),
      schema: object(config, "parameters"),
      hasOauth: oauth.length > 0,
      scopes: [],
      tools: listed.length > 0 ? listed : objects(document, "tools"),
      isPoci,
    });
    const [title, description, icon, project] = [
      text(about, "title", 200),
      text(about, "description", 5000),
      text(about, "icon"),
      text(object(server, "source"), "project"),
    ];
    const category = text(meta, "category", 200);
    return {
      ...entry,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(icon === undefined ? {} : { icon }),
      ...(project === undefined ? {} : { repository: project }),
      tags: [...new Set([...(category === undefined ? [] : [category]), ...texts(meta, "tags", 99, 200)])],
    };
  },
  write(entry) {
    const words = writeDockerWords(entry);
    const [category, ...tags] = entry.tags;
    return present({
      server: present({
        name: entry.name,
        image: words.image,
        type: words.type,
        meta: category === undefined ? undefined : { category, tags },
        about: nonEmpty({ title: entry.title, description: entry.description, icon: entry.icon }),
        source: entry.repository === undefined ? undefined : { project: entry.repository },
        remote: words.remote,
        run: nonEmpty(words.run),
        config: nonEmpty({
          secrets: words.secrets.length === 0 ? undefined : words.secrets,
          env: words.env.length === 0 ? undefined : words.env,
          parameters: words.schema,
        }),
      }),
      tools: toolsOf(entry, words.tools),
    });
  },
};

function toolsOf(entry: ServerEntry, tools: JsonObject[]): JsonObject[] | undefined {
  return entry.tools.length === 0 ? undefined : tools;
}

function nonEmpty(members: JsonObject): JsonObject | undefined {
  const kept = present(members);
  return Object.keys(kept).length === 0 ? undefined : kept;
}
