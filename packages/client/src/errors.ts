// What can go wrong between the client and the daemon.
import { defineErrors } from "@pratique/core";

export const clientErrors = defineErrors({
  "daemon.unreachable": {
    status: 503,
    text: "no daemon answers at {url}",
    hint: "start it with `pratique up`, or name another with PRATIQUE_URL",
  },
  "daemon.starting": {
    status: 503,
    text: "the daemon at {url} is starting",
    hint: "try again in a moment; `pratique up` says when it is up",
  },
  "daemon.token-refused": {
    status: 401,
    text: "the daemon at {url} does not know this token",
    hint: "name the daemon's own state directory with --home, or set PRATIQUE_TOKEN",
  },
  "daemon.bad-answer": {
    status: 502,
    text: "{url} answered with something that is not Pratique's control API",
    hint: "check PRATIQUE_URL: another program may listen there",
  },
  "daemon.connection-lost": {
    status: 503,
    text: "the daemon at {url} went away before its answer was whole",
    hint: "it may have done what was asked: look at `pratique audit tail`, then ask again",
  },
});
