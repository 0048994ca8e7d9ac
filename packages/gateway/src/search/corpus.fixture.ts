// A catalog of some 760 tools, made of what servers of this kind have, and questions that people ask of it.
import type { JsonObject } from "@pratique/core";

/** Server, what it is about, and its things. */
const SERVERS: readonly (readonly [server: string, about: string, things: string])[] = [
  ["github", "GitHub", "issue, pull request, repository, branch, release, workflow"],
  ["gitlab", "GitLab", "merge request, pipeline, runner, milestone, snippet, environment"],
  ["jira", "Jira", "ticket, sprint, board, epic, worklog, component"],
  ["slack", "Slack", "channel, message, reaction, reminder, bookmark, user group"],
  ["gmail", "Gmail", "email, draft, label, filter, thread, attachment"],
  ["calendar", "Google Calendar", "event, attendee, availability, holiday, reminder rule, calendar"],
  ["notion", "Notion", "page, block, database row, workspace member, template, property"],
  ["stripe", "Stripe", "invoice, refund, subscription, coupon, payment link, dispute"],
  ["shop", "the web shop", "product, order, cart, discount, shipment, review"],
  ["kubernetes", "Kubernetes", "pod, deployment, config map, namespace, node, ingress"],
  ["docker", "the container engine", "container, image, volume, network, build, log stream"],
  ["aws", "AWS", "bucket, instance, lambda function, queue, security group, alarm"],
  ["postgres", "PostgreSQL", "table, view, index, role, backup, extension"],
  ["elastic", "Elasticsearch", "document, mapping, alias, snapshot, ingest pipeline, shard"],
  ["grafana", "Grafana", "dashboard, panel, alert rule, data source, annotation, folder"],
  ["sentry", "Sentry", "error, project, crash report, stack trace, release health, monitor"],
  ["okta", "Okta", "user, group, application, policy, factor, session"],
  ["salesforce", "Salesforce", "lead, opportunity, account, contact, campaign, case"],
  ["zendesk", "Zendesk", "support request, macro, trigger, satisfaction rating, article, agent"],
  ["maps", "maps", "place, route, address, distance matrix, elevation, time zone"],
  ["weather", "weather", "forecast, station, storm warning, air quality, tide, climate record"],
  ["finance", "stock markets", "quote, portfolio, trade, dividend, watchlist, currency rate"],
  ["papers", "scientific papers", "publication, author, citation, journal, preprint, reference list"],
  ["files", "the file system", "file, directory, symlink, permission, archive, checksum"],
  ["home", "the smart home", "light, thermostat, lock, camera, scene, sensor"],
];

const VERBS: readonly (readonly [verb: string, says: string])[] = [
  ["create", "Creates a new"],
  ["get", "Gets one"],
  ["list", "Lists every"],
  ["update", "Changes an existing"],
  ["delete", "Deletes a"],
];

/** Tools of their own kind. */
const OTHERS = `
browser/navigate: Opens a URL in the browser | url
browser/screenshot: Takes a picture of the page as it is shown | full_page
browser/click_element: Clicks an element of the page | selector
fetch/fetch_url: Fetches a web page and returns its content as Markdown | url, max_length
search/web_search: Searches the web | query, count
time/convert_time: Converts a time between time zones | source_timezone, time, target_timezone
math/evaluate_expression: Computes an arithmetic expression | expression
translate/translate_text: Translates a text into another language | text, target_language
ocr/extract_text: Recognises text in a scanned picture | image
pdf/merge_pdfs: Puts several PDF files together into one | files
video/transcribe_audio: Writes down what is said in a recording | file
chart/plot_line_chart: Draws a line chart of data series | series, title
memory/remember_fact: Stores a fact for later conversations | fact
memory/recall_facts: Finds facts that were stored earlier | query
postgres/run_sql: Runs an SQL statement | sql
postgres/explain_query: Shows the plan of a query | sql
kubernetes/scale_deployment: Sets the number of replicas of a deployment | name, replicas
kubernetes/get_pod_logs: Returns the output of a container in a pod | pod, tail
git/blame_file: Shows who changed each line of a file last | path
git/cherry_pick_commit: Applies one commit to the current branch | commit
`;

export interface Corpus {
  /** As the gateway offers them: names that two servers have begin with the server's. */
  readonly tools: readonly JsonObject[];
  serverOf(name: string): string | undefined;
}

export function corpus(): Corpus {
  const servers = new Map<string, string>();
  const tools: JsonObject[] = [];
  const add = (server: string, own: string, tool: JsonObject): void => {
    const name = servers.has(own) ? `${server}__${own}` : own;
    servers.set(name, server);
    tools.push({ ...tool, name });
  };
  for (const [server, about, things] of SERVERS) {
    for (const thing of things.split(", ")) {
      for (const [verb, says] of VERBS) {
        const own = `${verb}_${thing.replaceAll(" ", "_")}${verb === "list" ? "s" : ""}`;
        add(server, own, { description: described(says, thing, about), inputSchema: schemaOf(verb, thing) });
      }
    }
  }
  for (const line of OTHERS.trim().split("\n")) {
    const [, server = "", own = "", description = "", args = ""] = /^(\w+)\/(\w+): (.*) \| (.*)$/.exec(line) ?? [];
    const properties = Object.fromEntries(args.split(", ").map((name) => [name, { type: "string" }]));
    add(server, own, { description, inputSchema: { type: "object", properties, required: args.split(", ") } });
  }
  return { tools, serverOf: (name) => servers.get(name) };
}

function described(says: string, thing: string, about: string): string {
  return (
    `${says} ${thing} in ${about}. Use this when the user asks about a ${thing} of ${about}. ` +
    `The answer holds the ${thing} with its identifier, its state, when it was made and by whom. ` +
    "Results are paged; ask with `cursor` for the next page. Needs a connected account with the scopes for it."
  );
}

function schemaOf(verb: string, thing: string): JsonObject {
  const id = `${thing.replaceAll(" ", "_")}_id`;
  const properties: JsonObject = {
    ...(verb === "create" || verb === "list"
      ? { parent: { type: "string", description: `Identifier of what holds the ${thing}` } }
      : { [id]: { type: "string", description: `Identifier of the ${thing}, as a list or a search gives it` } }),
    ...(verb === "create" || verb === "update"
      ? {
          title: { type: "string", description: `Title of the ${thing}`, maxLength: 255 },
          body: { type: "string", description: "Text, in Markdown" },
          labels: { type: "array", items: { type: "string" }, description: "Labels to set" },
          state: { type: "string", enum: ["open", "closed", "draft"], default: "open" },
        }
      : {}),
    ...(verb === "list"
      ? {
          filter: {
            type: "object",
            properties: { state: { type: "string" }, since: { type: "string", format: "date-time" } },
          },
          cursor: { type: "string", description: "From the page before" },
          limit: { type: "integer", minimum: 1, maximum: 100, default: 30 },
        }
      : {}),
  };
  const required = verb === "list" ? [] : [verb === "create" ? "title" : id];
  return { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object", properties, required };
}

/** Each with the names that answer it. */
export const QUESTIONS: readonly (readonly [question: string, ...answers: string[]])[] = [
  ["open a bug report on GitHub", "create_issue"],
  ["which pull requests are there", "list_pull_requests"],
  ["remove a git branch", "delete_branch"],
  ["read a merge request from gitlab", "get_merge_request"],
  ["edit a jira ticket", "update_ticket"],
  ["post something in a slack channel", "create_message", "create_channel"],
  ["show me my emails", "list_emails", "get_email"],
  ["write a draft mail", "create_draft"],
  ["put a meeting into the calendar", "create_event"],
  ["when is everybody free", "list_availabilitys", "get_availability"],
  ["add a page to notion", "create_page"],
  ["give a customer his money back", "create_refund"],
  ["make a voucher", "create_coupon", "create_discount"],
  ["cancel a subscription in stripe", "delete_subscription", "update_subscription"],
  ["where is the parcel of this order", "get_shipment", "list_shipments", "get_order"],
  ["pods of the cluster", "list_pods"],
  ["run more replicas", "scale_deployment"],
  ["output of a crashing pod", "get_pod_logs"],
  ["images on the container engine", "list_images"],
  ["make an S3 bucket", "create_bucket"],
  ["start an EC2 instance on aws", "create_instance"],
  ["columns of a table", "get_table"],
  ["run a select statement", "run_sql"],
  ["why is my query slow, show its plan", "explain_query"],
  ["dashboards in grafana", "list_dashboards"],
  ["recent crashes in sentry", "list_crash_reports", "list_errors"],
  ["stack trace of an exception", "get_stack_trace"],
  ["add a person to okta", "create_user"],
  ["new sales lead", "create_lead"],
  ["answer a customer's support request", "update_support_request", "get_support_request"],
  ["how do I get from A to B", "get_route", "list_routes"],
  ["will it rain tomorrow", "get_forecast", "list_forecasts"],
  ["price of a share", "get_quote"],
  ["euro to dollar", "get_currency_rate"],
  ["who cites this paper", "list_citations", "get_citation"],
  ["look into a folder", "list_directorys", "get_directory"],
  ["hash of a file", "get_checksum", "create_checksum"],
  ["turn on the lamp", "update_light", "create_light"],
  ["set the heating to 20 degrees", "update_thermostat"],
  ["go to a website", "navigate", "fetch_url"],
  ["screenshot of the page", "screenshot"],
  ["google something", "web_search"],
  ["what time is it in Tokyo", "convert_time", "get_time_zone"],
  ["calculate 17 * 23", "evaluate_expression"],
  ["say this in French", "translate_text"],
  ["read the text in a photo", "extract_text"],
  ["combine pdf documents", "merge_pdfs"],
  ["transcript of a podcast", "transcribe_audio"],
  ["draw a graph", "plot_line_chart"],
  ["keep in mind that I like tea", "remember_fact"],
  ["who wrote this line", "blame_file"],
];
