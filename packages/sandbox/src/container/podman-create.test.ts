// A container in a user namespace, by podman's own API.
import { expect, it } from "vitest";
import { containerOptions } from "./container-options.ts";
import { idMap, podmanSpec } from "./podman-create.ts";

const around = { home: "h", instance: "i", ulimits: [], isPodman: true, imageUser: "", guestDirectory: "/run/g" };

it("says the same as the options of the Docker-compatible API, and maps all users away", () => {
  const options = containerOptions(
    { name: "n", image: "sha256:x", network: "none", cpus: 0.5, memoryBytes: 1000 },
    around,
  );
  expect(podmanSpec({ name: "n", ...options })).toMatchObject({
    name: "n",
    image: "sha256:x",
    user: "65532:65532",
    read_only_filesystem: true,
    cap_drop: ["ALL"],
    no_new_privileges: true,
    netns: { nsmode: "none" },
    userns: { nsmode: "private" },
    idmappings: { UIDMap: [{ container_id: 0, host_id: 1_879_048_192, size: 65_536 }] },
    resource_limits: {
      memory: { limit: 1000, swap: 1000 },
      pids: { limit: 65 },
      cpu: { period: 100_000, quota: 50_000 },
    },
    remove: true,
    stdin: true,
    labels: { "dev.pratique.home": "h", "dev.pratique.instance": "i" },
  });
});

it("keeps one user the same where something of the host is mounted for him, and never root", () => {
  expect(idMap(1000)).toEqual([
    { container_id: 0, host_id: 1_879_048_192, size: 1000 },
    { container_id: 1000, host_id: 1000, size: 1 },
    { container_id: 1001, host_id: 1_879_049_193, size: 64_535 },
  ]);
  expect(idMap(0)).toHaveLength(1);
});
