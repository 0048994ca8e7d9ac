// Typed caller of the control API.
export { openClient, type Client, type RecordFilter } from "./client.ts";
export { clientErrors } from "./errors.ts";
export type { Endpoint } from "./transport.ts";
