// The error codes of catalogs.
import { defineErrors } from "@pratique/core";

export const catalogErrors = defineErrors({
  "catalog.invalid": {
    status: 400,
    text: "{file} is no catalog: {detail}",
    hint: "`pratique catalog init` writes one",
  },
  "catalog.unreadable": {
    status: 400,
    text: "{file} cannot be read: {detail}",
    hint: "a catalog is YAML or JSON without aliases, of bounded size and depth",
  },
  "catalog.import-unknown": {
    status: 400,
    text: "{file} is not in the form of {format}: {detail}",
    hint: "formats are docker, server-json, registry, toolhive and mcpb",
  },
  "catalog.duplicate-entry": { status: 409, text: "the catalog has two entries `{name}`" },
  "catalog.unknown-entry": {
    status: 404,
    text: "no catalog in force has an entry `{name}`",
    hint: "`pratique catalog ls` names the entries; gateway.catalog in pratique.yaml names the catalogs",
  },
  "catalog.values-invalid": {
    status: 422,
    text: "the values for the entry `{name}` do not fit: {detail}",
    hint: "`pratique catalog show {name}` prints its config schema; values stand under gateway.servers.NAME.config",
  },
  "catalog.bad-query": { status: 400, text: "the registry cannot answer that: {problem}" },
  "catalog.incomplete": {
    status: 422,
    text: "{count} of the catalog's entries cannot be published: {first}",
    hint: "say what each needs in catalog.yaml; `pratique catalog learn` watches what a server reaches",
  },
});
