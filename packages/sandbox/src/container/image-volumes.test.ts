// Volumes of images.
import { expect, it } from "vitest";
import { checkSpec } from "./check-spec.ts";
import { containerOptions } from "./container-options.ts";
import { withImageVolumes } from "./image-volumes.ts";

const spec = { name: "n", image: "x", network: "none" } as const;
const around = { home: "h", instance: "i", ulimits: [], isPodman: false, imageUser: "" };

it("are memory of a bounded size and no disk of the host", () => {
  const { HostConfig } = containerOptions(withImageVolumes(spec, ["/data/", "/data", "/srv/x", "/tmp"]), around);
  expect(HostConfig?.Tmpfs).toMatchObject({
    "/data": "rw,size=16777216,nosuid,nodev,noexec,mode=1777",
    "/srv/x": "rw,size=16777216,nosuid,nodev,noexec,mode=1777",
  });
  expect(Object.keys(HostConfig?.Tmpfs ?? {})).toHaveLength(5);
});

it("give way to what is put at the same place", () => {
  const given = {
    ...spec,
    writable: [{ path: "/data", sizeBytes: 1 }],
    mounts: [{ source: "/a", target: "/b", isWritable: false }],
  };
  expect(withImageVolumes(given, ["/data", "/b"])).toBe(given);
});

it.each(["/", "/proc", "/.pratique", "/run/secrets", "/etc", "relative", "/a/../proc"])(
  "at %s are refused",
  (volume) => {
    const act = (): void => checkSpec(withImageVolumes(spec, [volume]));
    expect(act).toThrow(expect.objectContaining({ code: "sandbox.spec-invalid" }));
  },
);

it("are not the only thing that an image asks of the engine: its health check is not run", () => {
  expect(containerOptions(spec, around)).toMatchObject({ Healthcheck: { Test: ["NONE"] } });
});
