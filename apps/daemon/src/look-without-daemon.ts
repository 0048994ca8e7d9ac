// What `pratique doctor` can tell when no daemon runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock } from "@pratique/core";
import type { DoctorResult } from "@pratique/contracts";
import { basicLooks, confinementLook, containerLook, engineLook, examine } from "./doctor.ts";
import { openHome } from "./home.ts";
import { installationDirectory } from "./installation.ts";
import { loadConfig } from "./load-config.ts";
import { Machinery } from "./machinery.ts";
import { readPolicySet } from "./policy-files.ts";

/** Examines this machine; engines are tried out in a temporary directory, so that nothing of the user's changes. */
export async function lookWithoutDaemon(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DoctorResult> {
  const scratch = await mkdtemp(join(tmpdir(), "pratique-doctor-"));
  const installation = installationDirectory();
  const config = await loadConfig(join(home, "pratique.yaml"), environment, undefined);
  const policies = config.policy.directory ?? join(installation, "policies");
  const machinery = new Machinery({
    config,
    home: await openHome(scratch),
    path: environment["PATH"] ?? "",
    dockerHost: environment["DOCKER_HOST"],
    runtimeDirectory: environment["XDG_RUNTIME_DIR"],
    nodeExecutable: process.execPath,
    engineHostFile: import.meta.url.endsWith(".ts") ? undefined : join(installation, "dist", "engine-host.js"),
    clock: systemClock,
    log: silentLog,
  });
  try {
    return await examine([
      ...basicLooks(home),
      {
        name: "daemon",
        look: async () => {
          throw new Error(`none runs for ${home}`);
        },
        otherwise: { state: "warning", mend: "pratique up" },
      },
      containerLook(() => machinery.containerProbe()),
      confinementLook(() => machinery.containerProbe()),
      engineLook(() => machinery.engine()),
      {
        name: "policies",
        look: async () => `${(await readPolicySet(policies)).policies.length} are valid`,
        otherwise: { state: "missing", mend: `mend the file, then: pratique policy check ${policies}` },
      },
    ]);
  } finally {
    await machinery.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
