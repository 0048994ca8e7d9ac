// Credentials for another registry. The password comes through standard input, never through argv.
import { textFlag, type Flag, type Flags } from "./command.ts";
import { usageError } from "./run-command.ts";

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
  // One without the other would be tried as somebody without a password, or as nobody.
  if ((username === undefined) === (flags["password-stdin"] === true))
    throw usageError(
      "--username and --password-stdin go together",
      "for example: echo $TOKEN | pratique push REF TARGET --username NAME --password-stdin",
    );
  return {
    ...(flags["insecure"] === true ? { insecure: true } : {}),
    ...(username === undefined
      ? {}
      : {
          credentials: {
            username,
            password: (await process.getBuiltinModule("node:stream/consumers").text(process.stdin)).trim(),
          },
        }),
  };
}
