// Places what an entry of a catalog describes: its image, with what the entry says it needs, or the server of somebody else.
import { fillEntry } from "@pratique/catalog";
import type { Principal, ServerEntry } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import type { Gateway, ServerDefinition } from "@pratique/gateway";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import type { ServerAuths } from "../secrets/open-logins.ts";
import { planLaunch, type PlanOverrides } from "./launch-plan.ts";
import type { Servers } from "./servers.ts";

/** Where entries are found: the catalogs in force. */
export interface EntrySource {
  /** @throws `catalog.unknown-entry` */
  entry(name: string): Promise<{ readonly entry: ServerEntry; readonly catalog: string }>;
}

export interface EntryRequest {
  /** Name behind the gateway. */
  readonly name: string;
  readonly entry: ServerEntry;
  /** Reference and digest of the catalog that it comes from. */
  readonly catalog: string;
  /** Of the entry's config schema. */
  readonly values: JsonObject;
  readonly overrides?: PlanOverrides;
}

export interface EntryParts {
  readonly artifacts: Pick<Artifacts, "find">;
  readonly servers: Servers;
  readonly gateway: Pick<Gateway, "addServer">;
  readonly auths: ServerAuths;
}

/** @throws `server.not-placeable`, and whatever placing the artifact does */
export async function placeEntry(
  { artifacts, servers, gateway, auths }: EntryParts,
  principal: Principal,
  { name, entry, catalog, values, overrides }: EntryRequest,
): Promise<void> {
  // An entry that names no tools says nothing of them: what is first seen counts then, as without a catalog.
  const approved: ServerDefinition["approved"] =
    entry.tools.length === 0 ? undefined : { origin: catalog, tools: entry.tools };
  const verdicts = Object.fromEntries(
    entry.tools.map(({ name: tool, readOnly, destructive }) => [tool, { readOnly, destructive }]),
  );
  const { command, env, volumes, url, headers } = await fillEntry(entry, values);
  if (entry.remote !== undefined && url !== undefined) {
    await servers.requireListed({ url });
    servers.reserve(name);
    gateway.addServer({
      name,
      isolated: true,
      cleared: true,
      verdicts,
      ...(approved === undefined ? {} : { approved }),
      scope: entry.scope,
      transport: {
        type: "http",
        url,
        kind: entry.remote.transport,
        headers,
        auth: auths.ofEntry(name, url, entry, overrides?.secrets),
      },
    });
    return;
  }
  const { image } = entry;
  if (image?.digest === undefined) {
    throw daemonErrors("server.not-placeable", {
      name: entry.name,
      reason: "it names neither an image by digest nor an address",
    });
  }
  const repository = image.reference.replace(/@.*$/, "").replace(/:[^:/]+$/, "");
  const found = await artifacts.find(`${repository}@${image.digest}`);
  const filled = { ...entry, env, volumes: [...volumes], command };
  const plan = planLaunch(filled, overrides);
  await servers.place(principal, found, {
    name,
    allowUnisolated: false,
    plan,
    listed: { verdicts, ...(approved === undefined ? {} : { approved }) },
  });
}
