// The error codes of inference: engines, local models, upstream routes.
import { defineErrors } from "@pratique/core";

export const inferenceErrors = defineErrors({
  "engine.missing": {
    status: 503,
    text: "no engine for local models runs here: {detail}",
    hint: "run `npm install --include=optional`, or install llama.cpp and set engine.llamaServer to its llama-server",
  },
  "engine.unusable": {
    status: 503,
    text: "`{path}` does not run as llama-server: {detail}",
    hint: "run `{path} --version` by hand, or unset engine.llamaServer to use the engine from npm",
  },
  "engine.start-failed": {
    status: 503,
    text: "the engine could not load {model}: {detail}",
    hint: "check that the file is a whole GGUF model and that there is memory for it",
  },
  "engine.stopped": {
    status: 502,
    text: "the engine of {model} ended before it had answered",
    hint: "ask again: it is started anew",
  },
  "engine.failed": { status: 502, text: "the engine of {model} failed: {detail}" },
  "engine.busy": { status: 429, text: "too many requests wait for {model}", hint: "ask again in a moment" },
  "inference.unauthorized": {
    status: 401,
    text: "who is asking is not known",
    hint: "send the token as the API key: `pratique token` prints the owner's",
  },
  "model.not-found": { status: 404, text: "there is no model `{model}`", hint: "models here: {names}" },
  "model.file-invalid": {
    status: 400,
    text: "{file} is not a usable GGUF model: {detail}",
    hint: "fetch or pack the file again",
  },
  "model.context-exceeded": {
    status: 400,
    text: "the request has {promptTokens} tokens, the context of {model} holds {contextTokens}",
    hint: "send less, or set engine.contextTokens if the model was trained for more",
  },
  "completion.invalid": { status: 400, text: "the request is not a chat completion: {detail}" },
  "completion.rejected": { status: 400, text: "{route} rejected the request: {detail}" },
  "completion.cancelled": { status: 499, text: "the client went away before the answer was complete" },
  "completion.unknown-path": {
    status: 404,
    text: "there is no {method} /v1/{path}",
    hint: "POST /v1/chat/completions, GET /v1/models, GET /v1/models/ID",
  },
  "upstream.insecure": {
    status: 400,
    text: "the upstream {name} would be reached without TLS",
    hint: "use https, or a loopback address",
  },
  "upstream.unreachable": { status: 502, text: "the upstream {name} does not answer: {detail}" },
  "upstream.timeout": { status: 504, text: "the upstream {name} did not answer within {seconds} s" },
  "upstream.refused": {
    status: 502,
    text: "the upstream {name} refused our key ({status})",
    hint: "check the key of this route",
  },
  "upstream.failed": { status: 502, text: "the upstream {name} answered {status}: {detail}" },
  "upstream.busy": { status: 429, text: "the upstream {name} is busy", hint: "ask again later" },
});
