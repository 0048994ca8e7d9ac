// ToolHive's newer registry: server.json, with what it says itself under its publisher's key (publisher_provided_types.go).
import type { JsonObject } from "@pratique/core";
import { isJsonObject } from "@pratique/core";
import { object, present } from "../loose.ts";
import type { EntryFormat } from "./entry-format.ts";
import { PUBLISHER_META, publisherMeta, serverJson } from "./server-json.ts";
import { toolhive } from "./toolhive.ts";

const NAMESPACE = "io.github.stacklok";

export const toolhiveMeta: EntryFormat = {
  id: "toolhive-meta",
  read(document, origin) {
    const base = serverJson.read(document, origin);
    const [[place, extension] = []] = extensionsOf(document);
    if (place === undefined || extension === undefined) return base;
    // Its words that server.json has none for: permissions, tools, tags, arguments, OAuth.
    const said = toolhive.read({
      key: base.name,
      value: { ...extension, ...(base.remote === undefined ? { image: place } : { url: base.remote.url }) },
    });
    const command = said.image?.command ?? base.image?.command;
    const oauth = said.remote?.oauth;
    return {
      ...base,
      ...(said.status === undefined ? {} : { status: said.status }),
      ...(said.tags === undefined ? {} : { tags: said.tags }),
      ...(base.image === undefined || command === undefined ? {} : { image: { ...base.image, command } }),
      ...(base.remote === undefined || oauth === undefined ? {} : { remote: { ...base.remote, oauth } }),
      network: base.remote === undefined ? said.network : base.network,
      ...(said.tools === undefined ? {} : { tools: said.tools }),
    };
  },
  write(entry) {
    const written = serverJson.write(entry);
    const value = object(toolhive.write(entry), "value");
    const [place] = placesOf(written);
    if (place === undefined) return written;
    const extension = present({
      status: value?.["status"],
      tools: value?.["tools"],
      tags: value?.["tags"],
      args: value?.["args"],
      permissions: value?.["permissions"],
      oauth_config: value?.["oauth_config"],
      tool_definitions: value?.["tool_definitions"],
    });
    return { ...written, _meta: { [PUBLISHER_META]: { [NAMESPACE]: { [place]: extension } } } };
  },
};

/** By image reference, or by address. */
function extensionsOf(document: JsonObject): [string, JsonObject][] {
  return Object.entries(object(publisherMeta(document), NAMESPACE) ?? {}).flatMap(
    ([key, value]): [string, JsonObject][] => (isJsonObject(value) ? [[key, value]] : []),
  );
}

function placesOf(document: JsonObject): string[] {
  const lists = [document["packages"], document["remotes"]];
  return lists.flatMap((list) =>
    Array.isArray(list)
      ? list.flatMap((one: unknown) => {
          const place = isJsonObject(one) ? (one["identifier"] ?? one["url"]) : undefined;
          return typeof place === "string" ? [place] : [];
        })
      : [],
  );
}
