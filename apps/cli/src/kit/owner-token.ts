// The owner's token, from the state directory.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cliErrors } from "../errors.ts";

/** @throws `identity.no-token`, `identity.not-yours` */
export async function ownerToken(home: string): Promise<string> {
  const file = join(home, "token");
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EACCES")
      throw cliErrors("identity.not-yours", { file }, { cause });
    throw cliErrors("identity.no-token", { file }, { cause });
  }
}
