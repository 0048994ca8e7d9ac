// `pratique registry scrub`: reads every blob and says what is damaged or missing.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { counted, shortDigest, size } from "../kit/words.ts";

export const registryScrub: Command = {
  name: "registry scrub",
  group: "artifacts",
  summary: "read every blob and report what is damaged or missing",
  description:
    "Each file is read once, however many repositories share it. Nothing is deleted. With --quarantine, content that is not its digest's is moved to .quarantine in the registry's directory, so that it is not served and a push brings it back.",
  flags: { quarantine: { type: "boolean", summary: "move damaged blobs aside" } },
  examples: ["pratique registry scrub", "pratique registry scrub --quarantine --json"],
  async run({ flags, context }) {
    const { terminal } = context;
    const report = await (await context.client()).scrub({ quarantine: flags["quarantine"] === true });
    const isHurt = report.findings.some(({ type }) => type !== "not-shared");
    const exit = isHurt ? 1 : 0;
    if (context.json) {
      terminal.out(JSON.stringify(report, null, 2));
      return exit;
    }
    if (report.findings.length > 0) {
      terminal.out(
        columns(
          report.findings.map(({ type, repository, digest, detail, isQuarantined }) => [
            terminal.paint(type === "not-shared" ? "dim" : "bad", type),
            repository === "" ? "(no repository)" : repository,
            digest === undefined ? "-" : shortDigest(digest),
            isQuarantined ? `${detail}; moved aside` : detail,
          ]),
        ),
      );
    }
    if (report.found > report.findings.length) terminal.note(`${report.found - report.findings.length} more`);
    const { repositories, files, bytes, found } = report;
    const read = `${counted(files, "file")}, ${size(bytes)} in ${repositories} ${repositories === 1 ? "repository" : "repositories"}`;
    terminal.note(`${read} read; ${found === 0 ? "nothing wrong" : `${counted(found, "finding")}`}`);
    if (isHurt && flags["quarantine"] !== true)
      terminal.note("try  pratique registry scrub --quarantine, then push again");
    return exit;
  },
};
