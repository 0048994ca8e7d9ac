// `pratique key create`: makes a key that signs.
import type { Command } from "../kit/command.ts";
import { textFlag } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

export const keyCreate: Command = {
  name: "key create",
  group: "artifacts",
  summary: "make a key that signs: in a file, a token or a key service",
  description:
    "Without --uri the key lies in the state directory, readable to its owner alone. With it the key is made where the " +
    "URI says and stays there: pkcs11:token=T;object=O (see signing.pkcs11), hashivault://NAME (see signing.vault).",
  usage: "<name>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    type: { type: "string", value: "TYPE", summary: "ecdsa-p256 (default), ecdsa-p384 or ed25519" },
    uri: { type: "string", value: "URI", summary: "make it there" },
  },
  examples: ["pratique key create release", "pratique key create release --uri hashivault://release --type ed25519"],
  async run({ flags, args, context }) {
    const [name = ""] = args;
    const algorithm = textFlag(flags, "type") ?? "ecdsa-p256";
    if (algorithm !== "ecdsa-p256" && algorithm !== "ecdsa-p384" && algorithm !== "ed25519") {
      throw usageError(`there is no type \`${algorithm}\``, "ecdsa-p256, ecdsa-p384 or ed25519");
    }
    const uri = textFlag(flags, "uri");
    const { terminal } = context;
    const key = await (await context.client()).createKey({ name, algorithm, ...(uri === undefined ? {} : { uri }) });
    if (context.json) terminal.out(JSON.stringify(key, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} made key ${key.name}  ${key.keyId ?? ""}`);
      terminal.out((key.publicKeyPem ?? "").trimEnd());
      terminal.note(`  next: pratique sign REFERENCE --key ${key.name}`);
    }
    return 0;
  },
};
