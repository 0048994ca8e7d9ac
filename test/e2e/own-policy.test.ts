// A policy of one's own binds whatever way the act is asked for.
import { appendFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EXAMPLES, ROOT, startDaemon, temporaryHome } from "../support/program.ts";

it("a forbidden repository stays empty, also when its name comes from the directory that is packed", async () => {
  const place = await temporaryHome();
  const directory = join(place.home, "policies");
  await cp(join(ROOT, "policies"), directory, { recursive: true });
  await appendFile(
    join(directory, "owner.cedar"),
    '\n@id("no-notes")\n@reason("Nothing goes there.")\nforbid (principal, action == Pratique::Action::"artifact:push", resource is Pratique::Repository)\nwhen { resource.name == "harbour-notes" };\n',
  );
  const daemon = await startDaemon(place.home, { env: { PRATIQUE_POLICY_DIRECTORY: directory } });
  try {
    const skill = join(EXAMPLES, "skill", "harbour-notes");
    const refusals = [
      daemon.client.pack({ directory: skill, reference: "harbour-notes:1" }),
      daemon.client.pack({ directory: skill }),
    ];
    for (const refusal of refusals) {
      await expect(refusal).rejects.toMatchObject({
        code: "policy.denied",
        message: expect.stringContaining("no-notes") as string,
      });
    }
    expect(await daemon.client.artifacts()).toEqual([]);
    const denied = (await daemon.client.records({ decision: "deny" })).map((record) => record.policies[0]?.id);
    expect(denied).toEqual(["no-notes", "no-notes"]);
  } finally {
    await daemon.stop();
    await place.remove();
  }
});
