// What a sandbox may do.
import { describe, expect, it } from "vitest";
import { containerOptions } from "./container-options.ts";
import { containerUlimits } from "./ulimits.ts";

const around = {
  home: "h",
  instance: "i",
  ulimits: containerUlimits({}),
  runtime: undefined,
  isPodman: false,
  imageUser: "1000",
};

describe("container options", () => {
  it("takes away everything that a tool server does not need", () => {
    const { HostConfig } = containerOptions(
      { name: "n", image: "sha256:x", network: "none", memoryBytes: 1000 },
      around,
    );
    expect(HostConfig).toMatchObject({
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Memory: 1000,
      MemorySwap: 1000,
      PidsLimit: 64,
      AutoRemove: true,
      LogConfig: { Type: "none" },
    });
    expect(HostConfig?.Binds).toBeUndefined();
    for (const mount of Object.values(HostConfig?.Tmpfs ?? {}))
      expect(mount).toMatch(/^rw,size=\d+,nosuid,nodev,noexec/);
  });

  it.each(["", "root", "0", "00", "root:root", "0:0", "0:1000"])(
    "does not run as root when the image says %j",
    (imageUser) => {
      const options = containerOptions({ name: "n", image: "x", network: "none" }, { ...around, imageUser });
      expect(options.User).toBe("65532:65532");
    },
  );

  it("does not let labels of a caller pose as another home", () => {
    const labels = { "dev.pratique.home": "other", "dev.pratique.digest": "d" };
    const options = containerOptions({ name: "n", image: "x", network: "none", labels }, around);
    expect(options.Labels).toEqual({
      "dev.pratique.home": "h",
      "dev.pratique.instance": "i",
      "dev.pratique.digest": "d",
    });
  });
});
