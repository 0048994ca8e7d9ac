// What can go wrong with the credentials of servers. No text here ever holds one.
import { defineErrors } from "@pratique/core";

export const credentialErrors = defineErrors({
  "gateway.authorization-needed": {
    status: 401,
    text: "the server {server} wants a login: pratique gateway authorize {server}",
    hint: "the command shows the login page; who calls by MCP and can show pages may be sent there",
  },
  "gateway.credential-refused": {
    status: 502,
    text: "the server {server} does not take its credential: {reason}",
    hint: "see which secrets it uses, and set them again: pratique secret set NAME",
  },
  "gateway.credential-missing": {
    status: 502,
    text: "the server {server} needs the secret {secret}, and it was never set: pratique secret set {secret}",
    hint: "the command asks for the value, or reads it from standard input",
  },
  "gateway.login-failed": {
    status: 502,
    text: "the login to {server} failed: {reason}",
    hint: "try again: pratique gateway authorize {server}",
  },
  "gateway.login-unknown": {
    status: 404,
    text: "there is no login to {server}",
    hint: "pratique gateway logins lists them",
  },
  "gateway.login-not-offered": {
    status: 400,
    text: "nobody can log in to {server}: {reason}",
    hint: "pratique gateway logins shows which servers have logins; others use secrets: pratique secret set NAME",
  },
  "gateway.login-expired": {
    status: 400,
    text: "this login was not begun here, or it took too long",
    hint: "begin again: pratique gateway authorize SERVER",
  },
  "gateway.address-refused": {
    status: 502,
    text: "{address} is not asked for a login: {reason}",
    hint: "a server may send us to public addresses by https, or to where it is itself; name an issuer that you trust in its `auth.oauth.issuer`",
  },
});
