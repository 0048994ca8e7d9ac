// What was written for a client, kept in the state directory until it is undone.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { z } from "zod";
import { digestOfText } from "./files.ts";
import { cliErrors } from "../errors.ts";

const Whole = z.strictObject({
  kind: z.literal("whole"),
  path: z.string(),
  digest: z.string(),
  /** Without secrets, to show what others changed. */
  shown: z.string(),
});
const Json = z.strictObject({
  kind: z.literal("json"),
  path: z.string(),
  digest: z.string(),
  entries: z.array(z.strictObject({ at: z.array(z.string()), value: z.unknown(), before: z.unknown().optional() })),
  /** Objects that were not there before. */
  made: z.array(z.array(z.string())),
  isNew: z.boolean(),
  /** The text before, where taking the entries away again would not give the same bytes. */
  original: z.string().optional(),
});
const Entry = z.strictObject({
  kind: z.literal("entry"),
  path: z.string(),
  digest: z.string(),
  format: z.enum(["json", "yaml", "toml"]),
  at: z.array(z.string()),
  name: z.string(),
  isList: z.boolean(),
  /** What holds entries was not there before. */
  madeHolder: z.boolean(),
  /** The text and the mode before; absent when there was no file. */
  original: z.string().optional(),
  mode: z.int().optional(),
});
const Connection = z.strictObject({
  version: z.literal(1),
  client: z.string(),
  files: z.array(z.discriminatedUnion("kind", [Whole, Json, Entry])),
});
export type Connection = z.infer<typeof Connection>;
export type WrittenFile = Connection["files"][number];
export type WrittenJson = z.infer<typeof Json>;
export type WrittenEntry = z.infer<typeof Entry>;

/** The name of the record: one for each client, and for each root it was made under. */
function fileOf(home: string, client: string, root: string | undefined): string {
  const suffix = root === undefined ? "" : `-${digestOfText(root).slice(0, 40)}`;
  return join(home, "connect", `${client}${suffix}.json`);
}

export async function readConnection(home: string, client: string, root?: string): Promise<Connection | undefined> {
  const file = fileOf(home, client, root);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return Connection.parse(JSON.parse(text));
  } catch (cause) {
    throw cliErrors("connect.unreadable", { file, reason: "it is not what pratique connect writes" }, { cause });
  }
}

/** Private: credentials stand in it. */
export async function writeConnection(home: string, connection: Connection, root?: string): Promise<void> {
  await ensureDirectory(join(home, "connect"), 0o700);
  await writeFileDurably(fileOf(home, connection.client, root), JSON.stringify(connection, null, 2), { mode: 0o600 });
}

export async function removeConnection(home: string, client: string, root?: string): Promise<void> {
  await rm(fileOf(home, client, root), { force: true });
}
