// Acts that wait for the person's yes, as they come. It answers them and does nothing else.

// The key that answers comes with the link, once, and stays in this page's own storage.
const KEY = "pratique-answer";
const given = /^#answer=([\w-]{43})$/.exec(location.hash)?.[1];
if (given !== undefined) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, "", location.pathname);
}

const section = document.querySelector("#waiting");
const list = document.querySelector("#approvals");
const answered = document.querySelector("#answered");
const time = (text) => new Date(text).toLocaleTimeString();

/** An element with a text. Text is never markup. */
const element = (name, text, className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
};

/** What an agent wrote, with everything visible that could hide or turn a part of it. */
const plain = (text) =>
  text.replaceAll(
    /[\p{Cf}\p{Co}\u2028\u2029]|[^\P{Cc}\n\t]/gu,
    (hidden) => `\\u{${hidden.codePointAt(0).toString(16)}}`,
  );

const answer = async (approval, said, buttons) => {
  for (const button of buttons) button.disabled = true;
  try {
    const response = await fetch(`/control/v1/approvals/${approval.id}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-pratique-console": sessionStorage.getItem(KEY) ?? "" },
      body: JSON.stringify({ answer: said, rememberSeconds: 0 }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(`${body.title} [${body.code}]`);
    const what = said === "approve" ? "Approved" : "Denied";
    answered.textContent = `${what}: ${approval.action} ${plain(approval.resource.id)}, record ${body.record}`;
    // The list may have become empty before this was known.
    section.hidden = false;
  } catch (error) {
    answered.textContent = `Not answered: ${error.message}`;
    for (const button of buttons) button.disabled = false;
  }
};

const card = (approval) => {
  const { id, principal, action, resource, policies, reason, isWaiting } = approval;
  const item = document.createElement("li");
  item.dataset.approval = id;
  const facts = document.createElement("dl");
  const who = principal.actingFor === undefined ? principal.name : `${principal.id} for ${principal.name}`;
  const rows = [
    ["Who", plain(who)],
    ...Object.entries(approval.arguments ?? {}).map(([name, value]) => [
      plain(name),
      plain(typeof value === "string" ? value : JSON.stringify(value, undefined, 2)),
      "value",
    ]),
    ["Policy", `${policies.join(", ")}: ${reason}`],
    [
      "Since",
      `${time(approval.time)}, until ${time(approval.expires)}${isWaiting ? "; the caller waits" : "; counts when it is called again"}`,
    ],
  ];
  for (const [name, value, className] of rows) facts.append(element("dt", name), element("dd", value, className));
  const yes = element("button", "Approve once", "yes");
  const no = element("button", "Deny", "no");
  for (const button of [yes, no]) button.type = "button";
  yes.addEventListener("click", () => answer(approval, "approve", [yes, no]));
  no.addEventListener("click", () => answer(approval, "deny", [yes, no]));
  const row = element("div", "", "answers");
  row.append(yes, no, element("span", `pratique approvals approve ${id}`, "command"));
  item.append(element("h3", `${action} ${plain(resource.id)}`), facts, row);
  return item;
};

/** What stays keeps its place and its buttons; what is new comes last. */
const show = ({ approvals }) => {
  const shown = new Map([...list.children].map((item) => [item.dataset.approval, item]));
  list.replaceChildren(
    ...approvals.map((approval) => {
      const old = shown.get(approval.id);
      const isSame = old !== undefined && old.dataset.waits === String(approval.isWaiting);
      const item = isSame ? old : card(approval);
      item.dataset.waits = String(approval.isWaiting);
      return item;
    }),
  );
  section.hidden = approvals.length === 0 && answered.textContent === "";
  document.title = approvals.length === 0 ? "Pratique" : `(${approvals.length}) Pratique`;
};

const events = new EventSource("/control/v1/approvals/events");
events.addEventListener("approvals", ({ data }) => show(JSON.parse(data)));
