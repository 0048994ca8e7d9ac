// The control API's operations on models.
import {
  ModelConvertRequest,
  ModelDetails,
  ModelInspectRequest,
  PackResult,
  PushCheckRequest,
  PushCheckResult,
} from "@pratique/contracts";
import type { ModelDesk } from "../artifacts/model-desk.ts";
import { post, type Operation } from "./operation.ts";

export function modelOperations(models: ModelDesk): Operation[] {
  return [
    post("/models/convert", "Write a model in another format", ModelConvertRequest, PackResult, ({ principal, body }) =>
      models.convert(principal, body),
    ),
    post(
      "/models/inspect",
      "What a model says of itself, wherever it is",
      ModelInspectRequest,
      ModelDetails,
      ({ principal, body, signal }) => models.inspect(principal, body, signal),
    ),
    post(
      "/models/check-push",
      "What a registry will not take of an artifact",
      PushCheckRequest,
      PushCheckResult,
      ({ principal, body }) => models.checkPush(principal, body),
    ),
  ];
}
