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
  "catalog.no-file": {
    status: 404,
    text: "there is no catalog.yaml in {directory}",
    hint: "pratique catalog init {directory}",
  },
  "catalog.exists": { status: 409, text: "{file} is there already", hint: "edit it, or choose another directory" },
  "catalog.source-unreadable": { status: 400, text: "{source} cannot be read: {reason}" },
  "catalog.widens": {
    status: 403,
    text: "{name} {version} lets servers do what {before} did not, {count} changes: {first}",
    hint: "look at them with `pratique catalog review`, then publish with --accept",
  },
  "catalog.version-exists": {
    status: 409,
    text: "{reference} is published already, and is another catalog",
    hint: "raise `version` in catalog.yaml",
  },
  "catalog.not-in-force": {
    status: 403,
    text: "the catalog {catalog} does not count: {reason}",
    hint: "pratique clear {catalog}",
  },
  "catalog.not-listed": {
    status: 403,
    text: "{what} is in no catalog in force, and gateway.catalogOnly lets nothing else be placed",
    hint: "add it to the catalog: pratique catalog add",
  },
  "catalog.evidence-missing": {
    status: 403,
    text: "the entry `{name}` asks for evidence that its image does not have: {missing}",
  },
  "catalog.tool-unfit": {
    status: 422,
    text: "the server {name} lists a tool that no entry can hold: {tool}",
    hint: "its name, description or schema is too large",
  },
  "catalog.bad-query": { status: 400, text: "the registry cannot answer that: {problem}" },
  "catalog.incomplete": {
    status: 422,
    text: "{count} of the catalog's entries cannot be published: {first}",
    hint: "say what each needs in catalog.yaml; `pratique catalog learn` watches what a server reaches",
  },
});
