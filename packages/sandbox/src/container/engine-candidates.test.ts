// Where engines are looked for.
import { expect, it } from "vitest";
import { engineCandidates } from "./engine-candidates.ts";

it("tries nothing but a configured socket", () => {
  expect(engineCandidates({ socket: "unix:///x/y.sock", path: "/usr/bin" })).toEqual([
    { type: "socket", path: "/x/y.sock" },
  ]);
});

it("tries DOCKER_HOST, the usual sockets, then podman on PATH", () => {
  const found = engineCandidates({
    dockerHost: "tcp://127.0.0.1:2375",
    runtimeDirectory: "/run/user/1",
    path: "/a:/b:/a:.:",
  });
  expect(found).toEqual([
    { type: "tcp", host: "127.0.0.1", port: 2375 },
    { type: "socket", path: "/var/run/docker.sock" },
    { type: "socket", path: "/run/user/1/docker.sock" },
    { type: "socket", path: "/run/user/1/podman/podman.sock" },
    { type: "socket", path: "/run/podman/podman.sock" },
    { type: "podman", executable: "/a/podman" },
    { type: "podman", executable: "/b/podman" },
  ]);
});

it("does not send images over plain TCP to another machine", () => {
  expect(engineCandidates({ dockerHost: "tcp://10.0.0.1:2375", path: "" }).map(({ type }) => type)).not.toContain(
    "tcp",
  );
});
