// The command that the MCP conformance suite starts for each scenario: hands it to the test that plays them all.
//   MCP_CONFORMANCE_SCENARIO=NAME node test/conformance/mcp-client-relay.ts SOCKET URL
import { connect } from "node:net";

const { MCP_CONFORMANCE_SCENARIO: scenario = "", MCP_CONFORMANCE_CONTEXT: context = "{}" } = process.env;
const [socketPath = "", url = ""] = process.argv.slice(2);

/** What comes back is what went wrong. */
let failure = "";
const socket = connect(socketPath, () => socket.end(JSON.stringify({ scenario, url, context: JSON.parse(context) })));
socket.setEncoding("utf8").on("data", (text: string) => (failure += text));
socket.on("close", () => {
  process.stderr.write(failure);
  process.exitCode = failure === "" ? 0 : 1;
});
