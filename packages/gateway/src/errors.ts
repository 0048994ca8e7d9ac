// What can go wrong between a client and a server behind the gateway.
import { defineErrors } from "@pratique/core";

export const gatewayErrors = defineErrors({
  "gateway.unauthorized": {
    status: 401,
    text: "the gateway wants to know who is calling",
    hint: "send Authorization: Bearer TOKEN; pratique token prints the owner's",
  },
  "gateway.foreign-origin": {
    status: 403,
    text: "requests from {origin} are not answered",
    hint: "open the gateway by its loopback name, or add the host to its allowed hosts",
  },
  "gateway.session-unknown": {
    status: 404,
    text: "there is no such session",
    hint: "initialize again: it was ended, or the gateway was restarted",
  },
  "gateway.too-many-sessions": {
    status: 503,
    text: "{count} sessions are open and none is idle",
    hint: "end sessions with DELETE, or try again later",
  },
  "gateway.bad-request": { status: 400, text: "{reason}", hint: "see the MCP specification, Streamable HTTP" },
  "gateway.unknown-tool": { status: 404, text: "no tool is called {name}", hint: "tools/list tells which there are" },
  "gateway.unknown-prompt": {
    status: 404,
    text: "no prompt is called {name}",
    hint: "prompts/list tells which there are",
  },
  "gateway.unknown-resource": {
    status: 404,
    text: "no server has the resource {uri}",
    hint: "resources/list tells which there are",
  },
  "gateway.server-held": {
    status: 403,
    text: "the server {server} is held back: it is not what was approved",
    hint: "a person must see the difference first: pratique gateway review shows it",
  },
  "gateway.unknown-task": {
    status: 404,
    text: "there is no such task",
    hint: "it may be another principal's, or have ended long ago",
  },
  "gateway.unknown-method": {
    status: 404,
    text: "no server has the method {method}",
    hint: "an extension's method goes to the server that declares the extension",
  },
  "gateway.ambiguous-method": {
    status: 400,
    text: "several servers have the method {method}: {servers}",
    hint: "ask one of them, at /mcp/SERVER",
  },
  "gateway.bad-cursor": { status: 400, text: "the cursor is none of this list", hint: "list again from the start" },
  "gateway.rate-limited": {
    status: 429,
    text: "the limit {limit} is reached",
    hint: "try again in {seconds} s; gateway.limits in the configuration says how often",
  },
  "gateway.quota-spent": {
    status: 429,
    text: "the quota {limit} of today is spent",
    hint: "it is renewed in {seconds} s; gateway.limits in the configuration says how large it is",
  },
  "gateway.server-unavailable": {
    status: 502,
    text: "the server {server} is not available: {reason}",
    hint: "it is started again with the next call, after a pause that grows with each failure; pratique status shows its state",
  },
  "gateway.call-failed": {
    status: 502,
    text: "{server} did not answer {what}: {reason}",
    hint: "call again; a server that ended is started anew",
  },
  "gateway.unknown-server": {
    status: 404,
    text: "nothing is known of a server {server}",
    hint: "pratique gateway review lists those that were seen; one that was never called has said nothing yet",
  },
  "gateway.review-outdated": {
    status: 409,
    text: "{server} says something else by now than what was reviewed",
    hint: "pratique gateway review {server} shows what it says now",
  },
  "gateway.secret-blocked": {
    status: 403,
    text: "{what} holds a secret ({kinds})",
    hint: "leave it out; if it is no secret: pratique secret-guard allow {fingerprint}",
  },
  "gateway.intercepted": {
    status: 403,
    text: "the interceptor {interceptor} refused {what}: {reason}",
    hint: "gateway.interceptors in pratique.yaml says what it is asked about",
  },
  "gateway.interceptor-failed": {
    status: 502,
    text: "the interceptor {interceptor} failed: {reason}",
    hint: "start it, or set its onFailure to pass in pratique.yaml",
  },
  "gateway.interceptor-invalid": {
    status: 400,
    text: "the interceptor {interceptor} cannot be used: {reason}",
    hint: "docs/guides/interceptors.md says what it must be",
  },
  "gateway.result-too-large": {
    status: 502,
    text: "{server} answered {what} with {sizeBytes} bytes, and {limitBytes} are allowed",
    hint: "ask for less at a time",
  },
  "gateway.unsupported-type": {
    status: 415,
    text: "a request must be application/json",
    hint: "send Content-Type: application/json",
  },
  "gateway.slow-request": { status: 408, text: "the request did not come in time", hint: "send it again" },
  "gateway.too-many-requests": {
    status: 429,
    text: "{count} requests are being answered already",
    hint: "wait for some of them",
  },
  "gateway.state-invalid": {
    status: 400,
    text: "the requestState is not one that this gateway gave",
    hint: "send the request again without requestState",
  },
  "gateway.state-foreign": {
    status: 400,
    text: "the requestState was given to somebody else",
    hint: "send the request again without requestState",
  },
  "gateway.state-mismatch": {
    status: 400,
    text: "the requestState belongs to another request",
    hint: "retry with the very parameters of the request that was answered with it",
  },
  "gateway.state-expired": {
    status: 400,
    text: "the requestState has expired",
    hint: "send the request again without requestState",
  },
  "gateway.state-used": {
    status: 400,
    text: "the requestState was used before",
    hint: "retry once, with the newest requestState",
  },
  "gateway.state-gone": {
    status: 400,
    text: "the call that the requestState belongs to has ended",
    hint: "send the request again without requestState",
  },
  "gateway.bad-input": {
    status: 400,
    text: "the answer {key} is no result of {method}",
    hint: "see the MCP specification, Multi Round-Trip Requests",
  },
  "gateway.too-many-parked": {
    status: 503,
    text: "{count} calls wait for an answer of their client",
    hint: "answer or cancel some of them",
  },
});
