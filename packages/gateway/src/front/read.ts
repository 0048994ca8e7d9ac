// resources/read and prompts/get: decided on the server they belong to, then passed on.
import type { GetPromptResult, ReadResourceResult } from "@modelcontextprotocol/client";
import { digestOf } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Catalog } from "../catalog/catalog.ts";
import { cleanResult } from "../catalog/clean-result.ts";
import { serverResource } from "../catalog/guard-resources.ts";
import { fitsTemplate } from "../catalog/uri-template.ts";
import { gatewayErrors } from "../errors.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { runOf, type Caller } from "./caller.ts";

interface ReadParts {
  readonly catalog: Catalog;
  readonly guard: Guard;
}

const URI_LIMIT = 2048;

/** @throws `gateway.unknown-resource`, `policy.denied` */
export async function readResource(
  caller: Caller,
  uri: string,
  signal: AbortSignal,
  { catalog, guard }: ReadParts,
): Promise<ReadResourceResult> {
  const upstream = uri.length > URI_LIMIT ? undefined : await ownerOf(uri, caller, catalog);
  if (upstream === undefined) throw gatewayErrors("gateway.unknown-resource", { uri: uri.slice(0, 200) });
  const { definition } = upstream;
  const act = {
    principal: caller.principal,
    action: "resource:read" as const,
    resource: await serverResource(definition),
    details: { uri },
    ...runOf(caller),
  };
  return allowedOrThrow(
    await guard.perform(act, async (_decision, note) => {
      const answer = await upstream.readResource(uri, { signal });
      const { result, sizeBytes } = cleanResult(answer, { server: definition.name, what: "resources/read" });
      note({ resultDigest: digestOf(JSON.stringify(result)), resultBytes: sizeBytes });
      return result;
    }),
  );
}

/** @throws `gateway.unknown-prompt`, `policy.denied` */
export async function getPrompt(
  caller: Caller,
  prompt: { readonly name: string; readonly args: Record<string, string> },
  signal: AbortSignal,
  { catalog, guard }: ReadParts,
): Promise<GetPromptResult> {
  const found = (await catalog.prompts(caller.profile)).find(({ publicName }) => publicName === prompt.name);
  if (found === undefined) throw gatewayErrors("gateway.unknown-prompt", { name: prompt.name.slice(0, 100) });
  const { upstream, item } = found;
  const act = {
    principal: caller.principal,
    action: "prompt:get" as const,
    resource: await serverResource(upstream.definition),
    details: { prompt: item.name },
    ...runOf(caller),
  };
  return allowedOrThrow(
    await guard.perform(act, async (_decision, note) => {
      const answer = await upstream.getPrompt(item.name, prompt.args, { signal });
      const { result, sizeBytes } = cleanResult(answer, { server: upstream.definition.name, what: "prompts/get" });
      note({ resultDigest: digestOf(JSON.stringify(result)), resultBytes: sizeBytes });
      return result;
    }),
  );
}

/** Who lists the URI, else whose template it fits. */
async function ownerOf(uri: string, { profile }: Caller, catalog: Catalog): Promise<Upstream | undefined> {
  const listed = (await catalog.resources(profile)).find(({ item }) => item.uri === uri);
  if (listed !== undefined) return listed.upstream;
  return (await catalog.templates(profile)).find(({ item }) => fitsTemplate(item.uriTemplate, uri))?.upstream;
}
