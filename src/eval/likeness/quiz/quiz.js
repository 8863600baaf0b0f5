
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const sides = ["left", "right"];

  // Which side is the diary's: whether the mark has an odd number of ones. This only keeps a glance at the source from telling; it
  // hides nothing from anyone who wants to know.
  const sideOf = (question) => {
    let ones = 0;
    for (let mark = question.mark; mark > 0; mark = Math.floor(mark / 2)) ones += mark % 2;
    return sides[ones % 2];
  };
  const other = (side) => (side === "left" ? "right" : "left");
  // As it goes on from the prompt, and as it is shown: without the space before its first word.
  const text = (question, side) => (side === "left" ? question.one : question.two);
  const shown = (question, side) => text(question, side).trimStart();

  // The answers, of which the browser keeps a copy under the quiz's hash: the choices and no text. `before` is whether the questions
  // were answered, and the answers shown, before these began.
  const key = "diarist-quiz-" + data.hash;
  const isSide = (side) => side === null || sides.includes(side);
  const isAnswer = (answer) => isSide(answer?.chosen) && isSide(answer.better) && typeof answer.blind === "boolean";
  const kept = () => {
    let text = null;
    try { text = localStorage.getItem(key); } catch { /* a file may have no storage */ }
    if (text === null) return { answers: [], before: false };
    try {
      const { answers, before } = JSON.parse(text);
      if (answers.length === data.questions.length && answers.every(isAnswer)) return { answers, before: before === true };
    } catch { /* what is not ours to read says only that somebody was here */ }
    return { answers: [], before: true };
  };
  const keep = () => { try { localStorage.setItem(key, JSON.stringify({ answers, before })); } catch { /* the same */ } };
  const none = () => data.questions.map(() => ({ chosen: null, better: null, blind: false }));
  let { answers, before } = kept();
  if (answers.length === 0) answers = none();
  let at = 0;

  const show = (id) => {
    for (const section of ["gate", "ask", "end"]) $(section).hidden = section !== id;
    window.scrollTo(0, 0);
  };
  const element = (tag, className, content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  };
  const isRight = (i) => answers[i].chosen === sideOf(data.questions[i]);
  const answered = () => answers.flatMap((answer, i) => (answer.chosen ? [i] : []));

  /* One question. */

  const ask = (i) => {
    at = i;
    const question = data.questions[i];
    $("place").textContent = `Question ${i + 1} of ${data.questions.length}`;
    $("bar").max = data.questions.length;
    $("bar").value = i;
    $("date").textContent = question.date ?? "";
    $("opening").textContent = question.opening;
    $("opening").hidden = question.opening === "";
    for (const side of sides) {
      $("text-" + side).textContent = shown(question, side);
      $("whose-" + side).textContent = "";
      $(side).className = "card";
      $("choose-" + side).hidden = false;
    }
    $("verdict").textContent = "";
    $("next").hidden = true;
    document.querySelector(".foot").classList.remove("told");
    showBetter();
    show("ask");
    $("place").focus({ preventScroll: true });
  };

  const showBetter = () => {
    for (const side of sides) $("like-" + side).setAttribute("aria-pressed", String(answers[at].better === side));
  };

  const prefer = (side) => {
    const answer = answers[at];
    answer.better = answer.better === side ? null : side;
    answer.blind = answer.better !== null && answer.chosen === null;
    keep();
    showBetter();
  };

  const choose = (side) => {
    const answer = answers[at];
    if (answer.chosen) return;
    answer.chosen = side;
    keep();
    const own = sideOf(data.questions[at]);
    for (const each of sides) {
      $("whose-" + each).textContent = each === own ? "the diary" : "the model";
      $(each).classList.add(each === own ? "diary" : "model");
      $("choose-" + each).hidden = true;
    }
    const right = isRight(at);
    const verdict = $("verdict");
    verdict.replaceChildren(element("b", right ? "good" : "bad", right ? "Right." : "Wrong."), ` The diary’s is the ${own} one.`);
    document.querySelector(".foot").classList.add("told");
    $("bar").value = at + 1;
    $("next").textContent = unanswered() === -1 ? "See the result" : "Next";
    $("next").hidden = false;
    $("next").focus({ preventScroll: true });
  };

  const unanswered = () => answers.findIndex((answer) => !answer.chosen);
  const goOn = () => (unanswered() === -1 ? end() : ask(unanswered()));

  /* The result. */

  // Wilson's interval (1927), 95%.
  const wilson = (k, n) => {
    if (n === 0) return [0, 1];
    const z = 1.959963984540054;
    const middle = (k + (z * z) / 2) / (n + z * z);
    const half = (z / (n + z * z)) * Math.sqrt((k * (n - k)) / n + (z * z) / 4);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };
  const percent = (share) => `${Math.round(100 * share)}%`;

  const meaning = (k, n) => {
    const [low, high] = wilson(k, n);
    // Six of six come about by chance once in 64 times; nothing can be said of fewer.
    if (n < 6) return "So few answers say nothing yet: a coin would do as well now and then.";
    if (low > 0.5) return "You can tell: guessing alone would hardly come so far.";
    if (high < 0.5) return "The model takes you in: you took its text for the diary’s more often than a coin would.";
    if (high - low > 0.3) return "No better than a coin, as far as so few answers can show.";
    return "No better than a coin: the model’s text passes for the diary’s.";
  };

  const tally = () => {
    const done = answered();
    return [done.filter(isRight).length, done.length];
  };

  const end = () => {
    const [k, n] = tally();
    const [low, high] = wilson(k, n);
    $("score").textContent = n === 0 ? "Nothing answered yet" : `${k} of ${n} right`;
    $("meaning").textContent = n === 0 ? "" : meaning(k, n);
    $("sure").textContent = n === 0 ? ""
      : `${percent(k / n)} right, 95% interval ${percent(low)} to ${percent(high)}; a coin has 50%.` + (before ? " You have answered these questions before, so this is not all guessing." : "");
    $("on").hidden = unanswered() === -1;
    $("save-result").disabled = n === 0;
    const marked = preferences().length;
    $("save-preferences").disabled = marked === 0;
    $("saving").textContent = "The result holds no text of the diary. "
      + (marked === 0 ? "No preference was marked." : `The preferences (${marked}) do: keep that file as you keep the diary.`);
    $("list").replaceChildren(...data.questions.map(row));
    show("end");
    $("score").focus({ preventScroll: true });
  };

  const row = (question, i) => {
    const answer = answers[i];
    const item = element("li");
    const body = element("div");
    const begins = element("p", "begins", [question.date, question.opening.replace(/\s+/g, " ")].filter(Boolean).join(" · "));
    begins.dir = "auto";
    body.append(begins);
    item.append(element("span", "number", i + 1), body);
    if (!answer.chosen) {
      body.append(element("p", "quiet", "not answered"));
      return item;
    }
    const own = sideOf(question);
    const said = element("p", "quiet");
    said.append(element("b", isRight(i) ? "good" : "bad", isRight(i) ? "right" : "wrong"), `: you chose the ${answer.chosen}`
      + (isRight(i) ? "" : `, the diary’s is the ${own}`)
      + (answer.better ? `; you found the ${answer.better === own ? "diary’s" : "model’s"} better` : ""));
    const both = element("div", "pair");
    for (const side of [own, other(own)]) {
      const one = element("div");
      const words = element("blockquote", "cut", shown(question, side));
      words.dir = "auto";
      one.append(element("h4", "", side === own ? "The diary" : "The model"), words);
      both.append(one);
    }
    const details = element("details");
    details.append(element("summary", "", "Both texts"), both);
    body.append(said, details);
    return item;
  };

  /* What can be saved. */

  const whose = (i, side) => (side === null ? null : side === sideOf(data.questions[i]) ? "diary" : "model");

  const result = () => {
    const [k, n] = tally();
    const [low, high] = wilson(k, n);
    return {
      quiz: data.hash, title: data.title, run: data.run, made: data.made,
      questions: data.questions.length, answered: n, right: k,
      share: n === 0 ? null : k / n, low, high, answered_before: before,
      answers: answered().map((i) => ({
        question: i + 1, date: data.questions[i].date, chosen: whose(i, answers[i].chosen), side: answers[i].chosen,
        right: isRight(i), better: whose(i, answers[i].better), better_said_blind: answers[i].blind,
      })),
    };
  };

  const preferences = () => answers.flatMap((answer, i) => {
    if (!answer.better || !answer.chosen) return [];
    const question = data.questions[i];
    return [{
      prompt: question.prompt, chosen: text(question, answer.better), rejected: text(question, other(answer.better)),
      chosen_is: whose(i, answer.better),
    }];
  });

  const save = (name, type, content) => {
    const link = element("a");
    const url = URL.createObjectURL(new Blob([content], { type }));
    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };

  /* The beginning, and what the browser still knows. */

  const gate = () => {
    const [k, n] = tally();
    const marked = answers.some((answer) => answer.better !== null);
    $("so-far").hidden = n === 0;
    $("so-far").textContent = `So far, in this browser: ${k} of ${n} right, of ${data.questions.length}.`;
    $("begin").textContent = n === 0 ? "Begin" : unanswered() === -1 ? "See the result" : "Go on";
    $("restart").hidden = n === 0 && !marked;
    $("again").hidden = !before;
    show("gate");
  };

  // The choices are forgotten; that they were made, and the answers seen, is not, or the next score would say too much.
  const restart = () => {
    before = before || answered().length > 0;
    answers = none();
    keep();
    gate();
  };

  /* Who does what. */

  $("may").checked = false;
  $("may").addEventListener("change", () => { $("begin").disabled = !$("may").checked || data.questions.length === 0; });
  $("begin").addEventListener("click", goOn);
  for (const button of document.querySelectorAll(".restart")) button.addEventListener("click", restart);
  $("stop").addEventListener("click", end);
  $("next").addEventListener("click", goOn);
  $("on").addEventListener("click", goOn);
  for (const side of sides) {
    $("choose-" + side).addEventListener("click", () => choose(side));
    $("like-" + side).addEventListener("click", () => prefer(side));
  }
  $("save-result").addEventListener("click", () => {
    save("quiz-result.json", "application/json", JSON.stringify(result(), null, 2) + "\n");
  });
  $("save-preferences").addEventListener("click", () => {
    save("preferences.jsonl", "application/jsonl", preferences().map((line) => JSON.stringify(line) + "\n").join(""));
  });
  document.addEventListener("keydown", (event) => {
    if ($("ask").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const side = { 1: "left", ArrowLeft: "left", 2: "right", ArrowRight: "right" }[event.key];
    if (side) {
      event.preventDefault();
      choose(side);
    } else if (event.key === "Enter" && answers[at].chosen && !(event.target instanceof HTMLButtonElement)) {
      event.preventDefault();
      goOn();
    }
  });

  const n = data.questions.length;
  $("size").textContent = n === 0 ? "There are no questions in this page." : n === 1 ? "There is one question." : `There are ${n} questions.`;
  gate();
})();
