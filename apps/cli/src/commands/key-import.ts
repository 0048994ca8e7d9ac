// `pratique key import`: takes over a key that is there already.
import { resolve } from "node:path";
import type { Command } from "../kit/command.ts";
import { textFlag } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

export const keyImport: Command = {
  name: "key import",
  group: "artifacts",
  summary: "take over a key that signs, such as cosign's",
  description:
    "A file holds a private key in PEM: PKCS #8 or SEC 1, with or without a passphrase, or what cosign generate-key-pair " +
    "writes. It is kept without its passphrase in the state directory, readable to its owner alone. A URI gives a name to " +
    "a key that stays where it is.",
  usage: "<name> [file]",
  minArgs: 1,
  maxArgs: 2,
  flags: {
    "passphrase-file": {
      type: "string",
      value: "FILE",
      summary: "a file with the passphrase, which only you can read",
    },
    uri: { type: "string", value: "URI", summary: "a key in a token or a key service" },
  },
  examples: [
    "pratique key import release cosign.key --passphrase-file passphrase",
    'pratique key import hsm --uri "pkcs11:token=pratique;object=release"',
  ],
  async run({ flags, args, context }) {
    const [name = "", file] = args;
    const uri = textFlag(flags, "uri");
    if ((file === undefined) === (uri === undefined)) {
      throw usageError("a key comes from a file or by --uri, one of the two", `pratique key import ${name} cosign.key`);
    }
    const passphraseFile = textFlag(flags, "passphrase-file");
    const at = (path: string): string => resolve(context.workingDirectory, path);
    const { terminal } = context;
    const key = await (
      await context.client()
    ).importKey({
      name,
      ...(file === undefined ? {} : { file: at(file) }),
      ...(uri === undefined ? {} : { uri }),
      ...(passphraseFile === undefined ? {} : { passphraseFile: at(passphraseFile) }),
    });
    if (context.json) terminal.out(JSON.stringify(key, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} key ${key.name}  ${key.algorithm ?? ""}  ${key.keyId ?? ""}`);
      terminal.note(`  next: pratique sign REFERENCE --key ${key.name}`);
    }
    return 0;
  },
};
