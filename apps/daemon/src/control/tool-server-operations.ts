// The control API's operations on servers behind the gateway.
import {
  AddServerRequest,
  LearnedNeeds,
  LearnRequest,
  RemovedServer,
  RunningServer,
  RunningServers,
  ServerCommand,
  ServerLog,
} from "@pratique/contracts";
import { z } from "zod";
import type { ServerDesk } from "../servers/server-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function toolServerOperations(desk: ServerDesk): Operation[] {
  return [
    get("/servers", "List the servers behind the gateway", RunningServers, async ({ principal }) => ({
      servers: await desk.list(principal),
    })),
    post("/servers", "Add a server, and keep it", AddServerRequest, RunningServer, ({ principal, body }) =>
      desk.add(principal, body),
    ),
    post(
      "/servers/{name}/remove",
      "Remove a server that was added",
      z.strictObject({}),
      RemovedServer,
      ({ principal, path }) => desk.remove(principal, nameIn(path)),
    ),
    post(
      "/servers/{name}/command",
      "Start, stop or restart a server",
      ServerCommand,
      RunningServer,
      ({ principal, path, body }) => desk.command(principal, nameIn(path), body),
    ),
    get("/servers/{name}/log", "What a server said last on its standard error", ServerLog, ({ principal, path }) =>
      desk.logs(principal, nameIn(path)),
    ),
    post(
      "/servers/{name}/learn",
      "Watch what a server tries to reach, and propose its entry",
      LearnRequest,
      LearnedNeeds,
      ({ principal, path, body }) => desk.learn(principal, nameIn(path), body),
    ),
  ];
}

function nameIn(path: Readonly<Record<string, string>>): string {
  return path["name"] ?? "";
}
