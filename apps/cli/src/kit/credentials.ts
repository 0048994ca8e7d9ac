// Credentials for another registry. The password comes through standard input, never through argv.
import { text } from "node:stream/consumers";
import { textFlag, type Flag, type Flags } from "./command.ts";

export const CREDENTIAL_FLAGS: Readonly<Record<string, Flag>> = {
  username: { type: "string", value: "NAME", summary: "user at the other registry" },
  "password-stdin": { type: "boolean", summary: "read that user's password or token from standard input" },
  insecure: { type: "boolean", summary: "plain HTTP to a registry that is not on this machine" },
};

/** What a push or pull sends beside the references. */
export async function transferOptions(
  flags: Flags,
): Promise<{ credentials?: { username: string; password: string }; insecure?: boolean }> {
  const username = textFlag(flags, "username");
  return {
    ...(flags["insecure"] === true ? { insecure: true } : {}),
    ...(username === undefined
      ? {}
      : {
          credentials: {
            username,
            password: flags["password-stdin"] === true ? (await text(process.stdin)).trim() : "",
          },
        }),
  };
}
