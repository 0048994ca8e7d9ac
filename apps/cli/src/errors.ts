// What can go wrong in the command itself.
import { defineErrors } from "@pratique/core";

export const cliErrors = defineErrors({
  "cli.usage": { status: 400, text: "{what}", hint: "pratique help" },
  "cli.unknown-code": {
    status: 404,
    text: "there is no error code `{code}`",
    hint: "docs/reference/errors.md lists them",
  },
  "cli.no-run": { status: 500, text: "the run did not start", hint: "the daemon's log says more" },
  "connect.unreadable": { status: 500, text: "{file} cannot be read: {reason}", hint: "mend it, and try again" },
  "connect.in-the-way": {
    status: 409,
    text: "{file} is there already, and not ours",
    hint: "move it away, and connect again",
  },
  "connect.changed-since": {
    status: 409,
    text: "{file} was changed since, so it is left as it is:\n{diff}",
    hint: "put it back as it was, or edit it by hand; then pratique connect {client} --undo",
  },
  "connect.nothing-to-undo": {
    status: 404,
    text: "{client} was not connected from this state directory",
    hint: "name the one it was connected from with --home, and its --root",
  },
  "connect.unknown-client": {
    status: 404,
    text: "there is no client `{client}` that can be connected",
    hint: "one of: {known}",
  },
  "connect.no-project": {
    status: 400,
    text: "{client} has no configuration of a project",
    hint: "leave --scope project away",
  },
  "connect.taken": {
    status: 409,
    text: "{file} has a server {name} already",
    hint: "give this one another name with --name, or take the other out",
  },
  "connect.no-reference": {
    status: 400,
    text: "the configuration of {client} cannot refer to an environment variable",
    hint: "leave --token-env away, or connect through the bridge with --stdio",
  },
  "identity.not-yours": {
    status: 401,
    text: "the owner token at {file} is another user's",
    hint: "only who owns the state directory can read it; name your own with --home",
  },
  "login.failed": {
    status: 502,
    text: "the login to {server} failed: {reason}",
    hint: "try again: pratique gateway authorize {server}",
  },
  "sign.no-token": {
    status: 400,
    text: "there is no identity token to sign with",
    hint: "write one into a file and name it with --identity-token, or set SIGSTORE_ID_TOKEN; in GitHub Actions add `permissions: id-token: write`",
  },
  "sign.token-unreadable": {
    status: 400,
    text: "the identity token in {path} cannot be read",
    hint: "--identity-token takes the path of a file that holds the token",
  },
  "sign.github-refused": {
    status: 502,
    text: "GitHub gave no identity token: {reason}",
    hint: "add `permissions: id-token: write` to the job",
  },
  "identity.no-token": {
    status: 404,
    text: "there is no owner token at {file}",
    hint: "start the daemon once with `pratique up`, or name its state directory with --home",
  },
  "cli.unknown-tool": {
    status: 404,
    text: "no tool is called {name}",
    hint: "pratique tools ls lists those that you may see",
  },
  "cli.unknown-profile": { status: 404, text: "there is no profile {name}", hint: "pratique profile ls lists them" },
});
