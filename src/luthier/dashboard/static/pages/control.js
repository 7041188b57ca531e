// What a user may change: each a question, a request, and a word on what happened.

import { get, of, post } from "../api.js";
import { ask, attempt, confirm, toast } from "../dialog.js";
import { el, fresh } from "../dom.js";
import { configuration } from "../form.js";
import { count } from "../words.js";

/** Stop the study: no worker begins another trial. */
export function stop(study) {
  return confirm({
    title: "Stop the study?",
    text: "No worker starts another trial. Trials that run come to their end. It goes on when optimize or a worker is started again.",
    action: "Stop study",
    async send() {
      await post(of(study.title, "stop"));
      toast("The study is stopped.");
      study.refresh();
    },
  });
}

/** Change how many trials the study is to have. */
export function goal(study) {
  const id = fresh("goal");
  const box = el("input", { id, type: "number", min: 1, step: 1, inputmode: "numeric", "aria-describedby": `${id}-hint` });
  box.value = study.info.goal ?? "";
  return ask({
    title: "How many trials in all?",
    slim: true,
    body: el("div", { class: "field" }, el("label", { for: id }, "Trials in all"), box, el("p", { class: "hint", id: `${id}-hint` }, `There are ${count(study.info.n_trials)}. Empty: no goal but what the workers were started with.`)),
    async send() {
      const text = box.value.trim();
      await post(of(study.title, "goal"), { total: text === "" ? null : Number(text) });
      toast("The goal is changed.");
      study.refresh();
    },
  });
}

function notes(item) {
  const [note, tags] = [fresh("note"), fresh("tags")];
  const text = el("textarea", { id: note, rows: 5 });
  text.value = item.note ?? "";
  const list = el("input", { id: tags, type: "text", autocomplete: "off", "aria-describedby": `${tags}-hint` });
  list.value = (item.tags ?? []).join(", ");
  return {
    node: [el("div", { class: "field" }, el("label", { for: note }, "Note"), text), el("div", { class: "field" }, el("label", { for: tags }, "Tags"), list, el("p", { class: "hint", id: `${tags}-hint` }, "With commas between them."))],
    read: () => ({ note: text.value, tags: list.value.split(",").map((tag) => tag.trim()).filter(Boolean) }),
  };
}

/** Edit the note and the tags of the study. */
export function annotate(study) {
  const form = notes(study.info);
  return ask({
    title: "Note and tags of the study",
    body: form.node,
    async send() {
      await post(of(study.title, "annotate"), form.read());
      toast("Saved.");
      study.refresh();
    },
  });
}

/** Edit the note and the tags of a trial. */
export function annotateTrial(study, trial) {
  const form = notes(trial);
  return ask({
    title: `Note and tags of trial ${count(trial.number)}`,
    body: form.node,
    async send() {
      await post(of(study.title, "trials", trial.number, "annotate"), form.read());
      toast("Saved.");
    },
  });
}

/** Put a configuration into the queue, by a form made from the space. */
export async function enqueue(study, start = null) {
  let form;
  try {
    form = await get(of(study.title, "form"));
  } catch (error) {
    toast(error.message, { bad: true });
    return false;
  }
  if (form.fields.length === 0) {
    toast("The space isn't known yet: it is learnt from the first trial.", { bad: true });
    return false;
  }
  const fields = configuration(study.title, form, start ?? form.start ?? {});
  const note = fresh("note");
  const text = el("input", { id: note, type: "text", autocomplete: "off" });
  return ask({
    title: "Enqueue a configuration",
    action: "Enqueue",
    body: [
      el("p", { class: "soft small" }, start ? "Begins with the parameters of that trial." : "Begins with the best so far. The next free worker runs it; what is left empty is drawn."),
      fields.node,
      el("div", { class: "field" }, el("label", { for: note }, "Note"), text),
    ],
    async send() {
      fields.refuse({});
      try {
        const body = { params: fields.read() };
        if (text.value.trim()) body.note = text.value.trim();
        const answer = await post(of(study.title, "enqueue"), body);
        toast(answer.row ? `Enqueued as trial ${count(answer.row.number)}.` : "Enqueued.");
        study.refresh();
      } catch (error) {
        if (error.errors && fields.refuse(error.errors)) throw new Error("Some values are not in the space: see above.");
        throw error;
      }
    },
  });
}

/** Stop a trial that runs or waits. */
export function stopTrial(study, number) {
  return confirm({
    title: `Stop trial ${count(number)}?`,
    text: "Its worker hears of it at its next report or heartbeat. What was reported stays.",
    action: "Stop trial",
    async send() {
      await post(of(study.title, "trials", number, "stop"));
      toast(`Trial ${count(number)} is being stopped.`);
    },
  });
}

/** Run the same configuration again. */
export async function retryTrial(study, number) {
  let row = null;
  await attempt(async () => {
    ({ row } = await post(of(study.title, "trials", number, "retry")));
    toast(`Its parameters wait as trial ${count(row.number)}.`);
  });
  return row;
}

/** Take a trial out of all decisions. */
export function invalidateTrial(study, number) {
  const id = fresh("reason");
  const box = el("input", { id, type: "text", autocomplete: "off" });
  return ask({
    title: `Take trial ${count(number)} out?`,
    slim: true,
    kind: "danger",
    action: "Invalidate",
    body: [el("p", {}, "It stays in the record, but no decision looks at it any more. This can't be undone."), el("div", { class: "field" }, el("label", { for: id }, "Reason (optional)"), box)],
    async send() {
      await post(of(study.title, "trials", number, "invalidate"), box.value.trim() ? { reason: box.value.trim() } : {});
      toast(`Trial ${count(number)} no longer counts.`);
    },
  });
}
