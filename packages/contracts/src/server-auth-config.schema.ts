// How the gateway proves itself to servers that somebody else runs.
import { z } from "zod";

const SecretName = z.string().min(1).max(200);

export const ServerAuthConfig = z.strictObject({
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,100}$/),
      z.strictObject({
        secret: SecretName.describe("Name of the secret: `pratique secret set NAME`"),
        value: z
          .string()
          .max(500)
          .refine((value) => value.includes("{}"), "`{}` says where the secret goes")
          .default("{}")
          .describe("The header's value, with `{}` where the secret goes: `Bearer {}`"),
      }),
    )
    .default({})
    .describe("Headers that hold a secret, by name"),
  scope: z
    .enum(["shared", "user"])
    .default("shared")
    .describe("`user`: each person has his own login and his own secrets"),
  oauth: z
    .union([
      z.literal(false),
      z.strictObject({
        issuer: z
          .url()
          .optional()
          .describe("The only authorization server that is taken; it may be at a private address"),
        scopes: z.array(z.string().min(1).max(200)).max(100).default([]).describe("Scopes that are always asked for"),
        clientId: z.string().min(1).max(2000).optional().describe("Client that was registered by hand"),
        clientSecret: SecretName.optional().describe("Name of the secret that holds its secret"),
        privateKey: SecretName.optional().describe("Name of the secret that holds its key (PKCS #8, PEM)"),
        keyAlgorithm: z.enum(["ES256", "ES384", "RS256", "PS256", "EdDSA"]).default("ES256"),
        method: z
          .enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])
          .optional()
          .describe("How it proves itself; by default what the authorization server offers"),
        grant: z
          .enum(["authorization_code", "client_credentials"])
          .default("authorization_code")
          .describe("`client_credentials`: as ourselves, without a person"),
      }),
    ])
    .optional()
    .describe("Login by OAuth. Without this key it is offered when the server asks for it; `false`: never"),
});
export type ServerAuthConfig = z.infer<typeof ServerAuthConfig>;

export const LoginsConfig = z.strictObject({
  publicUrl: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe(
      "Address by which others reach this daemon, through a proxy of yours: browsers come back there, and authorization servers read who we are at /.well-known/pratique-client.json",
    ),
  clientMetadataUrl: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe("Where that document can be read instead, when you put it elsewhere"),
});
export type LoginsConfig = z.infer<typeof LoginsConfig>;
