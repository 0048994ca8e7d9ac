// What a server may do under its new entry that it could not under the old one.
import type { EntryTool, ServerEntry } from "@pratique/contracts";
import { canonicalJson, digestOf, isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { CatalogChange, ChangeKind } from "./change.ts";

type Effect = CatalogChange["effect"];

export function reviewEntry(before: ServerEntry, after: ServerEntry): CatalogChange[] {
  const changes: CatalogChange[] = [];
  const add = (kind: ChangeKind, effect: Effect, what: string): void => {
    changes.push({ entry: after.name, kind, effect, what });
  };
  reviewStart(before, after, add);
  reviewReach(before, after, add);
  reviewTools(before.tools, after.tools, add);
  reviewSecrets(before, after, add);
  reviewRest(before, after, add);
  return changes;
}

type Add = (kind: ChangeKind, effect: Effect, what: string) => void;

function reviewStart(before: ServerEntry, after: ServerEntry, add: Add): void {
  const [was, is] = [before.image, after.image];
  if (nameOf(was) !== nameOf(is)) add("image", "widens", `image ${nameOf(was)} → ${nameOf(is)}`);
  if (!same(was?.command, is?.command)) {
    add("command", "widens", `command ${words(was?.command)} → ${words(is?.command)}`);
  }
  if (was?.user !== is?.user) {
    add(
      "user",
      isRoot(is?.user) || is?.user === undefined ? "widens" : "neutral",
      `user ${was?.user ?? "the image's"} → ${is?.user ?? "the image's"}`,
    );
  }
  if (before.source !== after.source)
    add("image", "widens", `packed from ${before.source ?? "(nothing)"} → ${after.source ?? "(nothing)"}`);
  if (!same(before.transport, after.transport)) {
    add("transport", "neutral", `transport ${before.transport.type} → ${after.transport.type}`);
  }
  for (const key of keysOf(before.env, after.env)) {
    const [old, now] = [before.env[key], after.env[key]];
    if (old === now) continue;
    // A variable may switch anything on: none of them is harmless for sure.
    add("env", now === undefined ? "neutral" : "widens", `env ${key}: ${old ?? "(none)"} → ${now ?? "(none)"}`);
  }
  if (!same(before.config, after.config)) add("config", "neutral", "its config schema is another");
}

function reviewReach(before: ServerEntry, after: ServerEntry, add: Add): void {
  const [was, is] = [before.remote, after.remote];
  if (was?.url !== is?.url) add("remote", "widens", `address ${was?.url ?? "(none)"} → ${is?.url ?? "(none)"}`);
  if (was?.transport !== is?.transport && was !== undefined && is !== undefined) {
    add("transport", "neutral", `transport ${was.transport} → ${is.transport}`);
  }
  for (const key of keysOf(was?.headers ?? {}, is?.headers ?? {})) {
    const [old, now] = [was?.headers[key], is?.headers[key]];
    if (old !== now)
      add("remote", now === undefined ? "neutral" : "widens", `header ${key}: ${old ?? "(none)"} → ${now ?? "(none)"}`);
  }
  if (was?.oauth?.issuer !== is?.oauth?.issuer) {
    add("oauth", "widens", `login at ${was?.oauth?.issuer ?? "(none)"} → ${is?.oauth?.issuer ?? "(none)"}`);
  }
  const scopes = compare(was?.oauth?.scopes ?? [], is?.oauth?.scopes ?? []);
  for (const scope of scopes.added) add("oauth", "widens", `asks for the scope ${scope}`);
  for (const scope of scopes.removed) add("oauth", "narrows", `asks no more for the scope ${scope}`);

  const hosts = compare(before.network.hosts, after.network.hosts);
  for (const host of hosts.added) {
    const covered = before.network.hosts.some((one) => covers(one, host));
    add("network", covered ? "neutral" : "widens", `may reach ${host}${covered ? ", as before" : ""}`);
  }
  for (const host of hosts.removed) {
    const covered = after.network.hosts.some((one) => covers(one, host));
    add(
      "network",
      covered ? "neutral" : "narrows",
      covered ? `${host} is now part of another` : `may no longer reach ${host}`,
    );
  }
  if (after.network.unstated === true && before.network.unstated !== true) {
    add("network", "widens", "nobody says any more what it reaches");
  }
  const volumes = compare(before.volumes, after.volumes);
  for (const volume of volumes.added) {
    add("volume", "widens", `sees the folder ${volume}${volume.endsWith(":ro") ? "" : " and may write to it"}`);
  }
  for (const volume of volumes.removed) add("volume", "narrows", `no longer sees the folder ${volume}`);
  const writable = compare(
    before.writable.map(({ path }) => path),
    after.writable.map(({ path }) => path),
  );
  for (const path of writable.added) add("volume", "neutral", `writes to ${path}, in memory`);
}

function reviewTools(before: readonly EntryTool[], after: readonly EntryTool[], add: Add): void {
  const [old, now] = [byName(before), byName(after)];
  for (const [name, tool] of now) {
    const was = old.get(name);
    if (was === undefined)
      add("tool-added", "widens", `has a new tool ${name}${tool.readOnly === true ? " (reads only)" : ""}`);
    else reviewTool(was, tool, add);
  }
  for (const name of old.keys()) if (!now.has(name)) add("tool-removed", "narrows", `has no longer the tool ${name}`);
}

function reviewTool(was: EntryTool, is: EntryTool, add: Add): void {
  const { name } = is;
  if (was.readOnly === true && is.readOnly !== true) add("tool-writes", "widens", `${name} may write now`);
  if (was.readOnly !== true && is.readOnly === true) {
    // The verdict, too, is a door: an agent may call it without a human from now on.
    add("tool-writes", "widens", `${name} counts as read-only now, so that agents may call it unasked`);
  }
  if (was.destructive !== true && is.destructive === true) add("tool-writes", "widens", `${name} may destroy now`);
  if (was.destructive === true && is.destructive !== true)
    add("tool-writes", "widens", `${name} no longer counts as destructive`);
  const fields = compare(fieldsOf(was.inputSchema), fieldsOf(is.inputSchema));
  if (!same(was.inputSchema, is.inputSchema)) {
    const news = fields.added.length > 0 ? ` takes ${fields.added.join(", ")}` : "";
    const gone = fields.removed.length > 0 ? ` no longer takes ${fields.removed.join(", ")}` : "";
    add(
      "tool-schema",
      fields.added.length > 0 ? "widens" : "neutral",
      `${name}${news}${gone}${news + gone === "" ? " has another schema" : ""}`,
    );
  }
  if (was.description !== is.description || was.title !== is.title) {
    // What a model reads of a tool steers it.
    add("tool-description", "widens", `${name} says of itself: ${short(is.description ?? is.title ?? "(nothing)")}`);
  }
  if (!same(was.annotations, is.annotations)) add("tool-description", "neutral", `${name} has other annotations`);
  if (!same(was.outputSchema, is.outputSchema)) add("tool-schema", "neutral", `${name} answers in another schema`);
}

function reviewSecrets(before: ServerEntry, after: ServerEntry, add: Add): void {
  const [old, now] = [byName(before.secrets), byName(after.secrets)];
  for (const [name, secret] of now) {
    const was = old.get(name);
    if (was === undefined) add("secret", "widens", `gets the secret ${name}`);
    else if (!same({ ...was, description: undefined }, { ...secret, description: undefined })) {
      add("secret", "widens", `gets the secret ${name} in another way`);
    }
  }
  for (const name of old.keys()) if (!now.has(name)) add("secret", "narrows", `no longer gets the secret ${name}`);
}

function reviewRest(before: ServerEntry, after: ServerEntry, add: Add): void {
  if (before.scope !== after.scope) {
    add(
      "life",
      after.scope === "shared" ? "widens" : "narrows",
      after.scope === "shared" ? "is one for all people now" : "is one for each person now",
    );
  }
  if (before.life !== after.life)
    add("life", after.life === "long-lived" ? "widens" : "narrows", `is ${after.life} now`);
  for (const key of ["memoryBytes", "pids", "cpus", "tmpBytes"] as const) {
    const [was, is] = [before.limits[key], after.limits[key]];
    if (was !== is)
      add(
        "limits",
        is === undefined || (was !== undefined && is > was) ? "widens" : "narrows",
        `${key} ${was ?? "(default)"} → ${is ?? "(default)"}`,
      );
  }
  const [was, is] = [before.evidence, after.evidence];
  for (const key of ["provenance", "sbom"] as const) {
    if ((was?.[key] ?? false) === (is?.[key] ?? false)) continue;
    add(
      "evidence",
      is?.[key] === true ? "narrows" : "widens",
      is?.[key] === true ? `must have ${key} now` : `needs no ${key} any more`,
    );
  }
  if (!same(was?.signers ?? [], is?.signers ?? [])) {
    const isFewer =
      (is?.signers ?? []).length > 0 &&
      (is?.signers ?? []).every((one) => was?.signers.includes(one) === true || was === undefined);
    add(
      "evidence",
      isFewer ? "narrows" : "widens",
      `may be signed by ${(is?.signers ?? []).join(", ") || "whom policy takes"}`,
    );
  }
  if (before.status !== after.status)
    add("text", before.status === "deleted" ? "widens" : "neutral", `is ${after.status} now`);
  for (const key of ["title", "description", "version", "website", "repository", "licence"] as const) {
    if (before[key] !== after[key])
      add("text", "neutral", `${key}: ${short(before[key] ?? "(none)")} → ${short(after[key] ?? "(none)")}`);
  }
}

/** `*.example.com:443` reaches what lies below it. */
function covers(wide: string, host: string): boolean {
  return wide === host || (wide.startsWith("*.") && !host.startsWith("*.") && host.endsWith(wide.slice(1)));
}

function nameOf(image: ServerEntry["image"]): string {
  if (image === undefined) return "(none)";
  return image.digest === undefined ? image.reference : `${image.reference}@${image.digest.slice(0, 19)}`;
}

function isRoot(user: string | undefined): boolean {
  return user !== undefined && /^(?:root|0)(?::|$)/.test(user);
}

function fieldsOf(schema: JsonObject | undefined): string[] {
  const properties = schema?.["properties"];
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

function compare(before: readonly string[], after: readonly string[]): { added: string[]; removed: string[] } {
  const [old, now] = [new Set(before), new Set(after)];
  return { added: [...now].filter((one) => !old.has(one)), removed: [...old].filter((one) => !now.has(one)) };
}

function byName<T extends { readonly name: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((one) => [one.name, one]));
}

function keysOf(...records: readonly Readonly<Record<string, string>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].toSorted();
}

function same(a: unknown, b: unknown): boolean {
  return digest(a) === digest(b);
}

function digest(value: unknown): string {
  const json: Json = JSON.parse(JSON.stringify(value ?? null));
  return digestOf(canonicalJson(json));
}

function words(command: readonly string[] | undefined): string {
  return command === undefined || command.length === 0 ? "(the image's)" : short(command.join(" "));
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`;
}
