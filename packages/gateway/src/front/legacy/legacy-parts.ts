// What both transports of the older revisions work with.
import type { Log } from "@pratique/core";
import type { RouterPort } from "../../exchange/router-port.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { EventPool } from "./event-store.ts";
import type { Seat, SessionTable } from "./session-table.ts";

export interface LegacyParts {
  readonly router: RouterPort;
  readonly log: Log;
  readonly heartbeat: Heartbeat;
  readonly table: SessionTable<Seat>;
  readonly pool: EventPool;
}
