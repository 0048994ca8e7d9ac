// `pratique audit verify`: proves the log; works with and without a daemon.
import { isPratiqueError } from "@pratique/core";
import { textFlag, type Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const auditVerify: Command = {
  name: "audit verify",
  group: "account",
  summary: "prove that no record was changed, removed or added in between",
  description:
    "Recomputes the Merkle log from its files. Without a daemon, or with --vkey or --since, the files of the state directory are read directly.",
  flags: {
    vkey: {
      type: "string",
      value: "KEY",
      summary: "the log's key as you noted it down, instead of the one in the state directory",
    },
    since: { type: "string", value: "FILE", summary: "a checkpoint you kept: proves that the log only grew since" },
  },
  examples: ["pratique audit verify", "pratique audit verify --since checkpoint-of-last-week.txt"],
  async run({ flags, context }) {
    const { terminal } = context;
    const [vkey, since] = [textFlag(flags, "vkey"), textFlag(flags, "since")];
    const offline = async () =>
      (await import("@pratique/app-daemon")).verifyHome(context.home, {
        ...(vkey === undefined ? {} : { vkey }),
        ...(since === undefined ? {} : { since }),
      });
    const ask = async () => {
      try {
        return await (await context.client()).verifyAudit();
      } catch (error) {
        if (isPratiqueError(error, "daemon.unreachable")) return await offline();
        throw error;
      }
    };
    const report = vkey === undefined && since === undefined ? await ask() : await offline();
    if (context.json) terminal.out(JSON.stringify(report, null, 2));
    else {
      terminal.out(
        columns(
          report.checks.map((check) => [
            check.ok ? terminal.paint("good", "✓") : terminal.paint("bad", "✗"),
            check.name,
            check.detail,
          ]),
        ),
      );
      terminal.out(
        report.ok
          ? `${report.records} records verify\n\n${report.checkpoint.note.trimEnd()}`
          : terminal.paint("bad", "the log does not verify"),
      );
    }
    return report.ok ? 0 : 1;
  },
};
