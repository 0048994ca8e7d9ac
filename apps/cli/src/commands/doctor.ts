// `pratique doctor`: what is installed, what is missing, and the one command that mends it.
import { isPratiqueError } from "@pratique/core";
import type { DoctorCheck, DoctorResult } from "@pratique/contracts";
import type { Command, Context } from "../kit/command.ts";
import type { Tone } from "../kit/terminal.ts";

const MARKS: Readonly<Record<DoctorCheck["state"], readonly [Tone, string]>> = {
  ok: ["good", "✓"],
  warning: ["warn", "!"],
  missing: ["bad", "✗"],
};

async function look(context: Context): Promise<DoctorResult> {
  try {
    return await (await context.client()).doctor();
  } catch (error) {
    // No daemon, or one that does not know us: what can be seen without it still helps.
    if (!isPratiqueError(error)) throw error;
    const result = await (await import("@pratique/app-daemon")).lookWithoutDaemon(context.home, context.environment);
    if (error.code === "daemon.unreachable") return result;
    const daemon: DoctorCheck = {
      name: "daemon",
      state: "warning",
      detail: error.message,
      ...(error.hint === undefined ? {} : { mend: error.hint }),
    };
    return { ...result, checks: result.checks.map((check) => (check.name === "daemon" ? daemon : check)) };
  }
}

export const doctor: Command = {
  name: "doctor",
  group: "set-up",
  summary: "see what is installed, what is missing, and what mends it",
  examples: ["pratique doctor", "pratique doctor --json"],
  async run({ context }) {
    const { terminal } = context;
    const result = await look(context);
    if (context.json) terminal.out(JSON.stringify(result, null, 2));
    else {
      for (const check of result.checks) {
        const [tone, mark] = MARKS[check.state];
        terminal.out(`${terminal.paint(tone, mark)} ${check.name.padEnd(17)} ${check.detail}`);
        if (check.mend !== undefined) terminal.out(`  ${"".padEnd(17)} mend: ${check.mend}`);
      }
    }
    return result.ok ? 0 : 1;
  },
};
