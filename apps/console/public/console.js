// The status page: reads the control API and shows what is there. It writes nothing.

const api = async (path) => {
  const answer = await fetch(`/control/v1${path}`, { headers: { accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.title} [${body.code}]`);
  return body;
};

const short = (digest) => (digest === undefined ? "–" : digest.replace(/^(\w+:[0-9a-f]{12})[0-9a-f]+$/, "$1"));
const time = (text) => new Date(text).toLocaleString();
const who = ({ principal }) =>
  principal.actingFor === undefined
    ? (principal.name ?? principal.id)
    : `${principal.id.replace(/^spiffe:\/\/[^/]+\//, "")} for ${principal.name ?? principal.actingFor}`;

/** A cell: text, and how it looks. Text is never markup. */
const cell = (text, className = "") => {
  const element = document.createElement("td");
  element.textContent = text;
  if (className !== "") element.className = className;
  return element;
};
const yesNo = (value) => cell(value ? "yes" : "no", value ? "good" : "bad");

const fill = (table, rows, empty) => {
  const body = document.querySelector(`#${table} tbody`);
  const lines = rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  });
  if (lines.length === 0) {
    const row = document.createElement("tr");
    const nothing = cell(empty);
    nothing.colSpan = document.querySelectorAll(`#${table} th`).length;
    row.append(nothing);
    lines.push(row);
  }
  body.replaceChildren(...lines);
};

const showStatus = (status) => {
  const facts = [
    ["Daemon", `${status.url}, version ${status.version}, process ${status.pid}, since ${time(status.startedAt)}`],
    ["Owner", status.owner],
    ["Policy in force", `${status.policy.policies} policies, ${status.policy.digest}`],
    ["Model engine", status.engine === undefined ? "not used yet" : `${status.engine.id} ${status.engine.version}`],
    ["Isolation", status.container === undefined ? "not used yet" : status.container.description],
    [
      "Tool servers",
      status.servers
        .map((server) => `${server.name} (${server.state}${server.isolated ? ", isolated" : ", not isolated"})`)
        .join(", ") || "none",
    ],
    ["Audit log", `${status.audit.records} records, key ${status.audit.logKey}`],
  ];
  document.querySelector("#status").replaceChildren(
    ...facts.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      term.textContent = name;
      const detail = document.createElement("dd");
      detail.textContent = value;
      return [term, detail];
    }),
  );
};

/** How many lost their clearance when policy or vulnerability data changed. */
const lostWords = ({ clearances }) =>
  clearances === undefined || clearances.lost === 0 ? "" : `, ${clearances.lost} lost their clearance`;

const refresh = async () => {
  const summary = document.querySelector("#summary");
  try {
    const [status, { artifacts }, { runs }, { records }] = await Promise.all([
      api("/status"),
      api("/artifacts"),
      api("/runs"),
      api("/records?limit=50"),
    ]);
    showStatus(status);
    fill(
      "runs",
      runs.map((run) => [
        cell(run.id, "code"),
        cell(run.agent),
        cell(run.model ?? "–"),
        cell(run.status, run.status === "failed" ? "bad" : ""),
        cell(time(run.startedAt)),
      ]),
      "No runs yet: pratique run AGENT PROMPT",
    );
    fill(
      "artifacts",
      artifacts.map((artifact) => [
        cell(artifact.kind),
        cell(artifact.reference),
        cell(short(artifact.digest), "code"),
        yesNo(artifact.signed),
        yesNo(artifact.cleared),
      ]),
      "No artifacts yet: pratique pack DIRECTORY",
    );
    fill(
      "records",
      records
        .toReversed()
        .map((record) => [
          cell(String(record.sequence)),
          cell(time(record.time)),
          cell(who(record), "wide"),
          cell(record.action),
          cell(record.resource.id, "wide"),
          cell(record.decision, record.decision === "deny" ? "bad" : "good"),
          cell(record.policies.map((policy) => policy.id).join(", ") || "none"),
          cell(record.outcome),
        ]),
      "No records yet",
    );
    summary.textContent = `${artifacts.length} artifacts, ${artifacts.filter((artifact) => artifact.cleared).length} cleared${lostWords(status)} · ${runs.length} runs · ${status.audit.records} records`;
  } catch (error) {
    summary.textContent = `The daemon did not answer: ${error.message}`;
  }
};

document.querySelector("#refresh").addEventListener("click", refresh);
await refresh();
