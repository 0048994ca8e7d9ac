// The OpenAPI 3.1 description of the control API, made from the operations.
import type { JsonObject } from "@pratique/core";
import { z } from "zod";
import type { Operation } from "./operation.ts";

function schemaOf(type: z.ZodType, io: "input" | "output"): unknown {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: "any" });
  return schema;
}

const FORMS: Readonly<Record<Operation["form"], { description: string; mediaType: string }>> = {
  json: { description: "Done", mediaType: "application/json" },
  stream: { description: "One JSON document a line", mediaType: "application/x-ndjson" },
  events: { description: "Server-sent events whose data is", mediaType: "text/event-stream" },
};

/** Describes the operations; `/control/v1/openapi.json` serves it. */
export function openApiOf(operations: readonly Operation[], version: string): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const parameters = [
      ...[...operation.path.matchAll(/\{(\w+)\}/g)].map((part) => ({
        name: part[1],
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...Object.entries(operation.query ?? {}).map(([name, description]) => ({
        name,
        in: "query",
        description,
        schema: { type: "string" },
      })),
    ];
    (paths[`/control/v1${operation.path}`] ??= {})[operation.method.toLowerCase()] = {
      summary: operation.summary,
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(operation.body === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: { "application/json": { schema: schemaOf(operation.body, "input") } },
            },
          }),
      responses: {
        "200": {
          description: FORMS[operation.form].description,
          content: {
            [FORMS[operation.form].mediaType]: {
              schema: schemaOf(operation.answer, "output"),
            },
          },
        },
        default: {
          description: "RFC 9457 problem",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Pratique control API", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    security: [{ token: [] }],
    paths: paths as JsonObject,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        Problem: {
          type: "object",
          required: ["type", "title", "status", "code"],
          properties: {
            type: { type: "string" },
            title: { type: "string" },
            status: { type: "integer" },
            code: { type: "string" },
            hint: { type: "string" },
          },
        },
      },
    },
  };
}
