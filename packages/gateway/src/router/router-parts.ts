// What the verbs of the router share.
import type { Clock, Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import type { Interceptors, OwnTools } from "../exchange/ports.ts";
import type { Caller } from "../front/caller.ts";
import type { Acts } from "./acts.ts";
import type { RecordArguments } from "./arguments.ts";
import type { PassParts } from "./pass-on.ts";
import type { Rates } from "./rates.ts";
import type { Trace } from "./spans.ts";
import type { TaskIds } from "./task-ids.ts";
import type { ToolEntries } from "./lists.ts";
import type { Uris } from "./uris.ts";
import type { ToolOffer, View } from "./view.ts";
import type { Views } from "./views.ts";

export interface RouterParts extends PassParts {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly views: Views;
  readonly acts: Acts;
  readonly rates: Rates;
  readonly taskIds: TaskIds;
  readonly interceptors: Interceptors | undefined;
  readonly own: OwnTools | undefined;
  /** Tools as they are listed, by what a caller may see of them. */
  readonly entries: WeakMap<readonly ToolOffer[], ToolEntries & { readonly uris: Uris | undefined }>;
  readonly recordArguments: RecordArguments;
  /** Calls one of the gateway's own tools. */
  callOwn(caller: Caller, view: View, exchange: Exchange, trace: Trace): Promise<Answer>;
}
