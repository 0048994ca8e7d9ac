// A server.json for a server that has none: what its package says, in the registry's words.
import { SERVER_SCHEMA } from "./server-json.schema.ts";

export interface AskedInput {
  readonly name: string;
  readonly description?: string | undefined;
  readonly isRequired?: boolean;
  readonly isSecret?: boolean;
  readonly value?: string;
  readonly default?: string;
  readonly choices?: readonly string[];
  readonly variables?: Readonly<Record<string, Omit<AskedInput, "name">>>;
}

export interface MadeServerJson {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description: string | undefined;
  readonly version: string;
  readonly package: {
    readonly registryType: string;
    readonly identifier: string;
    readonly version: string;
    readonly fileSha256?: string;
    readonly environmentVariables?: readonly AskedInput[];
    readonly packageArguments?: readonly (Omit<AskedInput, "name"> & { readonly type: string })[];
  };
}

/** The same bytes for the same server. */
export function makeServerJson(o: MadeServerJson): string {
  const description = (o.description ?? "").replace(/\s+/g, " ").trim();
  const json = {
    $schema: SERVER_SCHEMA,
    name: o.name,
    ...(o.title === undefined ? {} : { title: cut(o.title) }),
    // The schema wants one of at most 100 characters.
    description: description === "" ? o.name : cut(description),
    version: o.version,
    packages: [{ ...o.package, transport: { type: "stdio" } }],
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function cut(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}

/**
 * A name in the registry's form for a package that states none: under the domain of the place it is published at, so
 * that it cannot be taken for one that its owner proved.
 */
export function nameOfPackage(place: "org.npmjs" | "org.pypi" | "dev.pratique.local", identifier: string): string {
  const clean = (text: string): string =>
    text.replace(/[^a-zA-Z0-9._-]/g, "-").replace(/^[-._]+|[-._]+$/g, "") || "server";
  const scoped = /^@([^/]+)\/(.+)$/.exec(identifier);
  if (scoped === null) return `${place}/${clean(identifier)}`.slice(0, 200);
  return `${place}.${clean(scoped[1] ?? "").replace(/_/g, "-")}/${clean(scoped[2] ?? "")}`.slice(0, 200);
}
