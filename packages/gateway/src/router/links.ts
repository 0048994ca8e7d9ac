// URIs inside of results, as clients may use them: they lead to the server that said them.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { textAt } from "./fit-entry.ts";
import type { Uris } from "./uris.ts";
import { mayHaveResources, type Member, type View } from "./view.ts";
import type { Views } from "./views.ts";

/** Where MCP Apps name the page of a tool, now and in earlier drafts. */
const UI = "ui";
const UI_FLAT = "ui/resourceUri";

/** The URIs of a view, when there is anything to tell apart in it; waits for the lists of resources. */
export async function urisToTell(view: View, views: Views): Promise<Uris | undefined> {
  if (view.members.filter(mayHaveResources).length < 2) return undefined;
  await Promise.all([views.ready(view, "resources"), views.ready(view, "templates")]);
  const { uris } = view;
  return uris.isSingle ? undefined : uris;
}

/** A result of a tool or a prompt whose links and embedded resources carry URIs of the view. */
export async function withShownUris(
  result: JsonObject,
  member: Member,
  view: View,
  { views }: { readonly views: Views },
): Promise<JsonObject> {
  const { content, messages } = result;
  if (
    !hasUri(content) &&
    !(
      Array.isArray(messages) &&
      messages.some((message: unknown) => isJsonObject(message) && hasUri(message["content"]))
    )
  )
    return result;
  const uris = await urisToTell(view, views);
  if (uris === undefined) return result;
  const shown = (uri: string): string => uris.shown(member.name, uri);
  return {
    ...result,
    ...(content === undefined ? {} : { content: shownContent(content, shown) }),
    ...(Array.isArray(messages) ? { messages: messages.map((message: Json) => shownMessage(message, shown)) } : {}),
  };
}

/** Objects with a `uri`, each with the URI of the view. */
export function withShownUri(items: Json | undefined, shown: (uri: string) => string): Json {
  if (!Array.isArray(items)) return items ?? [];
  return items.map((item: Json) => {
    const uri = isJsonObject(item) ? textAt(item, "uri") : undefined;
    return uri === undefined || !isJsonObject(item) ? item : { ...item, uri: shown(uri) };
  });
}

/** True for a tool that has a page of its own (MCP Apps). */
export function hasPage(tool: JsonObject): boolean {
  const meta = tool["_meta"];
  return isJsonObject(meta) && (isJsonObject(meta[UI]) || typeof meta[UI_FLAT] === "string");
}

/** The tool with its page under a URI of the view. */
export function withShownPage(tool: JsonObject, shown: (uri: string) => string): JsonObject {
  const meta = tool["_meta"];
  if (!isJsonObject(meta)) return tool;
  const ui = meta[UI];
  const page = isJsonObject(ui) ? textAt(ui, "resourceUri") : undefined;
  const flat = textAt(meta, UI_FLAT);
  return {
    ...tool,
    _meta: {
      ...meta,
      ...(page === undefined || !isJsonObject(ui) ? {} : { [UI]: { ...ui, resourceUri: shown(page) } }),
      ...(flat === undefined ? {} : { [UI_FLAT]: shown(flat) }),
    },
  };
}

function hasUri(content: unknown): boolean {
  if (Array.isArray(content)) return content.some(hasUri);
  return isJsonObject(content) && (content["type"] === "resource_link" || content["type"] === "resource");
}

function shownMessage(message: Json, shown: (uri: string) => string): Json {
  if (!isJsonObject(message) || message["content"] === undefined) return message;
  return { ...message, content: shownContent(message["content"], shown) };
}

function shownContent(content: Json, shown: (uri: string) => string): Json {
  if (Array.isArray(content)) return content.map((part: Json) => shownContent(part, shown));
  if (!isJsonObject(content)) return content;
  const uri = textAt(content, "uri");
  if (content["type"] === "resource_link" && uri !== undefined) return { ...content, uri: shown(uri) };
  const { resource } = content;
  const inner = isJsonObject(resource) ? textAt(resource, "uri") : undefined;
  if (content["type"] !== "resource" || inner === undefined || !isJsonObject(resource)) return content;
  return { ...content, resource: { ...resource, uri: shown(inner) } };
}
