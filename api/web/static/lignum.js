// Makes pages nicer where it runs; none needs it. Work that could not be sent is kept on this device, under the name of the
// person it belongs to, and sent later: nothing that was typed is lost.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const user = document.body.dataset.user;
  const kinds = window.kinds; // how each kind of question is read: kinds/*.js, on a paper's page alone

  // --- what is kept on this device ---------------------------------------------------------------------------------
  const kept = {
    name: (kind, id) => `lignum:${user}:${kind}:${id}`,
    get(kind, id) { try { return JSON.parse(localStorage.getItem(this.name(kind, id))); } catch { return null; } },
    set(kind, id, value) { try { localStorage.setItem(this.name(kind, id), JSON.stringify(value)); return true; } catch { return false; } },
    drop(kind, id) { try { localStorage.removeItem(this.name(kind, id)); } catch { /* nothing was kept then */ } },
    ids(kind) {
      try { return Object.keys(localStorage).filter((k) => k.startsWith(this.name(kind, ""))).map((k) => k.slice(this.name(kind, "").length)); } catch { return []; }
    },
  };

  // send gives the answer's JSON, or throws: {lost: true} when it may work later, {status, detail} when it never will.
  async function send(method, url, body, keepalive) {
    let answer;
    try {
      answer = await fetch(url, { method, keepalive, credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout?.(15000) });
    } catch {
      throw { lost: true };
    }
    if (answer.ok) return answer.status === 204 ? {} : answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw { lost: problem.type?.endsWith(":read-only") || answer.status === 429 || answer.status === 408 || answer.status === 401 || answer.status >= 500, status: answer.status, detail: problem.detail, after: Number(answer.headers.get("Retry-After")) };
  }

  // backoff waits longer after each failure, with some chance in it, so that a whole school does not come back at once.
  const backoff = (tries, after) => Math.max((after || 0) * 1000, Math.min(60000, 1000 * 2 ** tries) * (0.5 + Math.random()));

  // --- forms ---------------------------------------------------------------------------------------------------------
  $("[data-focus]")?.focus();
  // A letter's link brings its code where no server sees it.
  const code = $('form[action="/card"] [name=code]');
  if (code && /^#[\w-]{16,24}$/.test(location.hash)) {
    code.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    $("[name=password]").focus();
  }
  for (const input of $$("input[type=password]")) {
    const box = document.createElement("div"), button = document.createElement("button");
    box.className = "passage";
    button.type = "button";
    button.className = "quiet peek";
    const label = () => {
      const hidden = input.type === "password", Field = input.labels[0]?.textContent || t("script.password");
      button.textContent = hidden ? t("script.show") : t("script.hide");
      button.setAttribute("aria-label", hidden ? t("script.show_field", { Field }) : t("script.hide_field", { Field }));
    };
    button.addEventListener("click", () => { input.type = input.type === "password" ? "text" : "password"; label(); });
    input.form?.addEventListener("submit", () => { input.type = "password"; });
    label();
    input.replaceWith(box);
    box.append(input, button);
  }
  // What fits is offered while a name is typed. Without this the server asks when what was typed may be several.
  for (const input of $$("input[data-suggest]")) {
    let wait;
    input.addEventListener("input", () => {
      clearTimeout(wait);
      const typed = input.value.trim();
      if (typed.length < 2) return;
      wait = setTimeout(async () => {
        const lists = await Promise.all(input.dataset.suggest.split(" ").map((url) => send("GET", url + encodeURIComponent(typed)).catch(() => ({}))));
        if (input.value.trim() !== typed) return;
        input.list.replaceChildren(...lists.flatMap((list) => list.items || []).map((one) => {
          const option = document.createElement("option"), code = one.user_name || one.source_id;
          option.value = (one.name || `${one.family_name}, ${one.given_name}`) + (code ? ` (${code})` : "");
          return option;
        }));
      }, 200);
    });
  }
  // One press is enough; a second one while the first is under way does nothing.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent && Date.now() - event.target.dataset.sent < 5000) return event.preventDefault();
    event.target.dataset.sent = Date.now();
  });
  addEventListener("pageshow", () => $$("form").forEach((f) => delete f.dataset.sent));

  // --- progress through a lesson ---------------------------------------------------------------------------------------
  const progressURL = (lesson) => `/api/v1/lessons/${lesson}/progress`;

  // What lies on a device may be broken or from another time: a report is used only with numbers in it that can be sent.
  const whole = (n, most) => Math.min(most, Math.max(0, Math.floor(Number(n)) || 0));
  const longest = 1000000; // seconds in one lesson
  const reportOf = (id) => {
    const r = kept.get("lesson", id);
    return r && typeof r === "object" ? { percent: whole(r.percent, 100), seconds: whole(r.seconds, longest), counter: whole(r.counter, Number.MAX_SAFE_INTEGER) } : null;
  };

  // deliver sends what is kept of one lesson. A newer report that came while it was under way stays. It gives why a report was
  // not taken, or nothing.
  async function deliver(lesson, keepalive) {
    const report = reportOf(lesson);
    if (!report) return kept.drop("lesson", lesson);
    let refused;
    try {
      earn(lesson, await send("PUT", progressURL(lesson), report, keepalive));
    } catch (problem) {
      if (problem.lost) throw problem;
      refused = problem.detail || t("script.progress_not_saved");
    }
    if (reportOf(lesson)?.counter === report.counter) kept.drop("lesson", lesson);
    return refused;
  }

  // earn says what came of a report, and asks again when points are still to come: they are for reading, which takes its time.
  let later = false, earn = () => {};

  const lesson = $("[data-lesson]");
  if (user) for (const id of kept.ids("lesson")) if (id !== lesson?.dataset.lesson) deliver(id).catch(() => { /* stays kept */ });

  if (lesson && user && lesson.dataset.counts !== undefined) {
    const id = lesson.dataset.lesson, state = $("[data-state]");
    const waiting = reportOf(id);
    let percent = Math.max(Number(lesson.dataset.percent) || 0, waiting?.percent || 0);
    let seconds = Math.max(Number(lesson.dataset.seconds) || 0, waiting?.seconds || 0), reported = percent, tries = 0, timer;
    const note = () => kept.set("lesson", id, { percent, seconds: whole(seconds, longest), counter: Math.max(Date.now(), (Number(lesson.dataset.counter) || 0) + 1, (reportOf(id)?.counter || 0) + 1) });
    const read = () => {
      const end = lesson.getBoundingClientRect();
      const seen = Math.floor(100 * Math.min(1, Math.max(0, (innerHeight - end.top) / end.height)));
      if (document.visibilityState === "visible") percent = Math.max(percent, Math.min(seen, 95)); // the last step is the learner's own
    };
    const go = async (keepalive) => {
      clearTimeout(timer);
      try {
        const refused = await deliver(id, keepalive);
        tries = 0;
        if (refused) {
          state.textContent = refused;
          state.dataset.lost = "yes";
        } else if (state.dataset.lost) { state.textContent = t("script.connected_again"); delete state.dataset.lost; }
        if (percent === 100 && !refused) $("form[data-done]")?.remove();
      } catch (problem) {
        state.textContent = t("script.progress_kept");
        state.dataset.lost = "yes";
        timer = setTimeout(go, backoff(tries++, problem.after));
      }
    };
    addEventListener("scroll", read, { passive: true });
    setInterval(() => { if (document.visibilityState === "visible") seconds += 5; }, 5000);
    setInterval(() => { if (percent >= reported + 5) { reported = percent; note(); go(); } }, 15000);
    addEventListener("pagehide", () => { read(); if (percent > reported) { reported = percent; note(); go(true); } });
    addEventListener("online", () => go());
    if (waiting) go();
    const come = (seconds) => {
      later = true;
      state.textContent = t("script.read_on", { N: Math.max(1, Math.ceil(seconds / 60)) });
      setTimeout(() => { note(); go(); }, (seconds + 1) * 1000);
    };
    earn = (of, got) => {
      if (of !== id) return;
      later = false;
      if (got.points) state.textContent = t("script.points_for_this_lesson", { N: got.points });
      else if (got.percent === 100 && !got.earned) come(got.points_in);
    };
    if (lesson.dataset.pointsIn !== undefined) { $("[data-collect]")?.remove(); come(Number(lesson.dataset.pointsIn)); }
    const done = $("form[data-done]");
    done?.addEventListener("submit", async (event) => {
      event.preventDefault();
      percent = reported = 100;
      note();
      await go();
      if (!state.dataset.lost && !later) location.assign(done.dataset.done);
    });
  }

  // --- handing in ------------------------------------------------------------------------------------------------------
  // Whoever hands in without a connection has done their part: it is noted on this device and done by itself when the line is
  // back, on whatever page of ours that is. What was in time is for the server to say.
  const unsentOf = (attempt) => Object.entries(kept.get("paper", attempt) || {}).filter(([, p]) => p?.response && Number.isSafeInteger(p.counter) && !p.refused);

  // settle notes what became of answers that were sent; one that was changed meanwhile stays.
  function settle(attempt, batch, stored, refused) {
    const all = kept.get("paper", attempt) || {};
    for (const b of batch) {
      const one = all[b.position], known = stored.get(b.position);
      if (one?.counter !== b.counter) continue;
      if (refused.has(b.position)) one.refused = refused.get(b.position);
      else if (known?.stored) delete all[b.position];
      else one.counter = Math.max(b.counter, known?.counter || 0) + 1; // another device took the number
    }
    Object.keys(all).length ? kept.set("paper", attempt, all) : kept.drop("paper", attempt);
  }

  // handOver sends what is kept of a paper and hands it in. It throws {lost: true} when it may work later, {wrong: n} when n
  // answers were not taken although whole() says that there is time to change them, and whatever else the server refused.
  async function handOver(attempt, ticket, whole) {
    let wrong = 0;
    for (let most = 50, batch; (batch = unsentOf(attempt).slice(0, most).map(([position, p]) => ({ position: Number(position), counter: p.counter, response: p.response }))).length;) {
      let size = 0; // one request takes so much
      batch = batch.filter((b, i) => (size += JSON.stringify(b.response).length) < 60000 || i === 0);
      try {
        ticket ||= (await send("GET", `/api/v1/attempts/${attempt}/paper`)).ticket;
        const got = await send("PUT", `/api/v1/attempts/${attempt}/answers`, { ticket, answers: batch }), refused = new Map((got.refused || []).map((r) => [r.position, r.reason]));
        wrong += refused.size;
        settle(attempt, batch, new Map((got.kept || []).map((k) => [k.position, k])), refused);
      } catch (problem) {
        if (problem.lost) throw problem;
        if (problem.status !== 422 && problem.status !== 413) break; // too late, or handed in already: what was saved counts
        if (batch.length > 1) { most = 1; continue; } // one that is not taken holds up no other
        wrong++;
        settle(attempt, batch, new Map(), new Map([[batch[0].position, problem.detail || t("script.it_could_not_be_saved")]]));
      }
    }
    if (wrong && whole?.()) throw { wrong };
    await send("POST", `/api/v1/attempts/${attempt}/submission`, {});
  }
  const resultOf = (attempt) => `/attempts/${attempt}/result`;
  const wait = (tries, problem) => backoff(Math.min(tries, 4), problem.after); // soon: there is a deadline
  const offline = (problem) => problem.status === 401 ? t("script.hand_in_signed_out")
    : problem.status === 409 ? t("script.hand_in_waits")
    : t("script.hand_in_offline");

  const sheet = kinds && $("form[data-attempt]"); // without them the form is sent as it is, answers and all
  if (sheet && user) {
    const id = sheet.dataset.attempt, end = Date.now() + Number(sheet.dataset.left) * 1000;
    const ready = $("[data-ready]"), ask = $("[data-sure]"), box = $("[data-handing]"), says = $("[data-handing-says]"), recall = $("[data-recall]");
    const time = () => end - Date.now() > 1000;
    let tries = 0, again, under = false;
    const show = (handing) => {
      ready.hidden = handing;
      box.hidden = !handing;
      ask.hidden = true;
      for (const item of $$("[data-item]", sheet)) item.inert = handing;
      recall.hidden = !handing || !time();
    };
    const handIn = async () => {
      clearTimeout(again);
      if (under) return;
      if (!kept.set("handin", id, Date.now())) { // nothing can be kept here: the form itself carries all
        $("[name=sure]", sheet).value = "yes";
        sheet.action = $("[data-submit]", sheet).formAction;
        return sheet.submit();
      }
      under = true;
      show(true);
      if (!tries) { says.textContent = t("script.handing_in"); box.focus(); box.scrollIntoView({ block: "center" }); }
      try {
        await handOver(id, sheet.dataset.ticket, time);
      } catch (problem) {
        under = false;
        if (problem.lost) {
          if (kept.get("handin", id) === null) return; // called back meanwhile
          says.textContent = offline(problem) + (time() ? "" : " " + t("script.time_is_over"));
          recall.hidden = !time();
          again = setTimeout(handIn, wait(tries++, problem));
          return;
        }
        if (problem.wrong) {
          kept.drop("handin", id);
          tries = 0;
          show(false);
          dispatchEvent(new Event("online")); // what is not taken is told beside its question
          ask.before(Object.assign(document.createElement("p"), { className: "notice bad", role: "alert", textContent: t("script.not_handed_in") }));
          return;
        }
      }
      kept.drop("handin", id);
      location.assign(resultOf(id));
    };
    // Capturing, so that nothing else sends the form: a page of the browser's own is all that would come of it without a connection.
    document.addEventListener("submit", (event) => {
      if (event.target !== sheet) return;
      event.preventDefault();
      if (!event.submitter?.hasAttribute("data-submit")) return dispatchEvent(new Event("online")); // saves what waits
      const open = $$("[data-go]:not(.answered)").length;
      if (!open || !time()) return handIn();
      $("[data-left-out]").textContent = t("script.no_answer", { N: open });
      ask.hidden = false;
      ask.focus();
      ask.scrollIntoView({ block: "center" });
    }, true);
    $("[data-back]").addEventListener("click", () => { ask.hidden = true; $("[data-go]:not(.answered)")?.click(); });
    $("[data-yes]").addEventListener("click", handIn);
    recall.addEventListener("click", () => { clearTimeout(again); kept.drop("handin", id); tries = 0; show(false); ready.scrollIntoView({ block: "center" }); });
    addEventListener("online", () => { if (kept.get("handin", id) !== null) handIn(); });
    if (kept.get("handin", id) !== null) handIn();
  }
  if (user) for (const id of kept.ids("handin")) {
    if (id === sheet?.dataset.attempt) continue;
    if ($(`[data-finished="${CSS.escape(id)}"]`)) { kept.drop("handin", id); continue; }
    const note = Object.assign(document.createElement("p"), { className: "notice note", role: "status", textContent: t("script.test_waits") });
    $("main")?.prepend(note);
    let tries = 0, again;
    const go = async () => {
      clearTimeout(again);
      try {
        await handOver(id);
      } catch (problem) {
        if (problem.lost) { note.textContent = t("script.test_to_be_handed_in") + " " + offline(problem); again = setTimeout(go, wait(tries++, problem)); return; }
      }
      kept.drop("handin", id);
      note.textContent = t("script.test_is_handed_in") + " ";
      note.append(Object.assign(document.createElement("a"), { href: resultOf(id), textContent: t("script.see_what_came_of_it") }));
    };
    addEventListener("online", () => { if (kept.get("handin", id) !== null) go(); });
    go();
  }

  // --- a paper ---------------------------------------------------------------------------------------------------------
  const paper = kinds && $("form[data-attempt]");
  if (paper && user) {
    const attempt = paper.dataset.attempt, state = $("[data-state]"), clock = $("[data-clock]"), spoken = $("[data-spoken]");
    const items = new Map($$("[data-item]", paper).map((el) => [el.dataset.item, el]));
    // What is not stored yet: {response, counter}, by position; with refused, why it was not taken. Such an answer stays on this
    // device as it was typed and is not sent again until it is changed: it holds up no other.
    const pending = {};
    const rests = kept.get("paper", attempt), object = (v) => v && typeof v === "object" && !Array.isArray(v);
    const of = (el) => kinds[el.dataset.kind] || {};
    for (const [position, p] of Object.entries(object(rests) ? rests : {})) // what lies on a device may be broken
      if (items.has(position) && Number.isSafeInteger(p?.counter) && p.counter >= 0 && object(p.response) && Object.entries(p.response).every(([key, v]) => of(items.get(position)).sound?.[key]?.(v)))
        pending[position] = { response: p.response, counter: p.counter, ...(typeof p.refused === "string" && p.refused ? { refused: p.refused } : {}) };
    let last = 0, tries = 0, timer, most = 50, sending = false, leaving = false, closed = false, over = false;
    const counter = () => (last = Math.max(last + 1, Date.now(), ...[...items.values()].map((el) => Number(el.dataset.counter) + 1 || 0)));
    const say = (text, kind) => { if (state.textContent !== text) state.textContent = text; state.className = kind || ""; };
    const unsent = () => Object.entries(pending).filter(([, p]) => !p.refused);
    const waits = () => unsent().length > 0;
    const keep = () => (Object.keys(pending).length ? kept.set("paper", attempt, pending) : kept.drop("paper", attempt));

    // tell says beside a question why its answer was not taken; without a reason it takes that back.
    const tell = (el, reason) => {
      const problem = $("[data-problem]", el), typed = field(el), standing = el.dataset.standing;
      const text = reason ? t("learner.not_saved", { Reason: reason }) + (standing ? " " + t("learner.earlier_answer_counts", { Answer: standing }) : "") : "";
      if (problem && problem.textContent !== text) problem.textContent = text;
      if (reason) typed?.setAttribute("aria-invalid", "true"); else typed?.removeAttribute("aria-invalid");
    };
    const summary = () => {
      const wrong = [...items].filter(([, el]) => $("[data-problem]", el)?.textContent).map(([position]) => $(`[data-go="${position}"]`)?.textContent.trim());
      if (waits()) return say(t("script.not_saved_yet"));
      if (wrong.length) return say(t("script.look_again", { N: wrong.length, Questions: wrong.join(", ") }), "error");
      say(t("script.all_saved"), "ok");
    };
    // What is still being typed and only begins to be an answer is no mistake yet.
    const typing = new Set(); // questions whose field was typed into and not left since
    const unfinished = (el) => typing.has(el) && !over && of(el).unfinished?.(el);

    const field = (el) => $("input:not([type=hidden],[type=radio],[type=checkbox]),textarea", el); // what is typed into
    const answer = (el) => of(el).read?.(el) ?? {};
    const fill = (el, r) => of(el).fill?.(el, r);
    for (const el of items.values()) of(el).start?.(el, (text) => { spoken.textContent = text; });
    const mark = () => {
      let n = 0, all = 0;
      for (const [position, el] of items) {
        if (!of(el).read) continue;
        all++;
        const has = Object.keys(answer(el)).length > 0 && !$("[data-problem]", el)?.textContent, link = $(`[data-go="${position}"]`), question = link?.textContent.trim();
        if (has) n++;
        link?.classList.toggle("answered", has);
        link?.setAttribute("aria-label", has ? t("script.answered", { Number: question }) : t("script.not_answered", { Number: question }));
      }
      for (const el of $$("[data-count]")) el.textContent = t("script.answered_of", { Done: n, Questions: all });
    };

    // While the place takes no changes, a paper that is open offers none: the buttons are back with the first answer that is taken.
    const rest = (yes) => { for (const el of $$("[data-ready] button", paper)) el.hidden = yes; };

    async function flush() {
      clearTimeout(timer);
      const ready = unsent().filter(([position]) => !unfinished(items.get(position)));
      if (sending || closed || !ready.length) return !waits();
      sending = true;
      let size = 0; // one request takes so much
      const batch = ready.map(([position, p]) => ({ position: Number(position), counter: p.counter, response: p.response }))
        .filter((b, i) => i === 0 || (i < most && (size += JSON.stringify(b.response).length) < 60000));
      const current = (b) => pending[b.position]?.counter === b.counter; // nothing newer was typed meanwhile
      const refuse = (b, reason) => { if (current(b)) { pending[b.position].refused = reason; tell(items.get(String(b.position)), reason); } };
      say(t("script.saving"));
      let going = true;
      try {
        const got = await send("PUT", `/api/v1/attempts/${attempt}/answers`, { ticket: paper.dataset.ticket, answers: batch });
        const found = new Map((got.kept || []).map((k) => [k.position, k])), refused = new Map((got.refused || []).map((r) => [r.position, r.reason]));
        for (const b of batch) {
          const el = items.get(String(b.position)), k = found.get(b.position);
          if (refused.has(b.position)) refuse(b, refused.get(b.position));
          else if (k?.stored) {
            el.dataset.counter = Math.max(Number(el.dataset.counter), b.counter);
            if (of(el).standing) el.dataset.standing = of(el).standing(b.response);
            if (current(b)) delete pending[b.position];
          } else if (current(b)) pending[b.position].counter = Math.max(counter(), (k?.counter || 0) + 1); // another device took the number
        }
        tries = 0;
        rest(false);
        if (!waits()) most = 50;
      } catch (problem) {
        if (problem.lost) {
          rest(problem.status === 409);
          say(problem.status === 401 ? t("script.save_signed_out")
            : problem.status === 409 ? t("script.save_waits")
            : t("script.save_offline"), "error");
          timer = setTimeout(flush, backoff(tries++, problem.after));
          going = false;
        } else if (problem.status === 403 || problem.status === 404 || problem.status === 409) {
          closed = true;
          say(problem.detail || t("script.nothing_more"), "error");
          going = false;
        } else if (batch.length > 1) most = 1; // something in it is not taken: one by one, so that it holds up no other
        else refuse(batch[0], problem.detail || t("script.this_answer"));
      }
      keep();
      mark();
      sending = false;
      if (!going) {
        if (over && closed) handIn();
        return false;
      }
      summary();
      if (unsent().some(([position]) => !unfinished(items.get(position)))) return flush();
      if (over) handIn();
      return !waits();
    }
    // When the time is up: what is kept goes first, however long the connection takes to come back. Then it is handed in, in
    // whatever state the answers are.
    const handIn = () => {
      leaving = true;
      delete paper.dataset.sent;
      $("[name=over]", paper).value = "yes";
      paper.requestSubmit($("[data-submit]", paper));
    };
    // A field that is left is finished: what waited for more is judged now.
    const finish = (el) => {
      if (!typing.delete(el) || !waits()) return;
      clearTimeout(timer);
      timer = setTimeout(flush, 150);
    };
    const changed = (event) => {
      const el = event.target.closest("[data-item]");
      if (event.type === "input") typing.add(el); else finish(el);
      if (!el || known.get(el) === JSON.stringify(answer(el))) return;
      known.set(el, JSON.stringify(answer(el)));
      pending[el.dataset.item] = { response: answer(el), counter: counter() };
      tell(el);
      keep();
      mark();
      say(t("script.not_saved_yet"));
      clearTimeout(timer);
      timer = setTimeout(flush, event.type === "change" ? 150 : 1200);
    };
    paper.addEventListener("input", changed);
    paper.addEventListener("change", changed);
    paper.addEventListener("focusout", (event) => finish(event.target.closest("[data-item]")));
    addEventListener("online", flush);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") flush(); });
    addEventListener("beforeunload", (event) => { if (waits() && !leaving) event.preventDefault(); });
    // The form itself carries all answers: handing in works also when saving one by one did not.
    paper.addEventListener("submit", () => { leaving = true; const c = $("[name=counter]", paper); if (c) c.value = counter(); });
    addEventListener("pageshow", () => { leaving = false; });

    // On a slow connection somebody may answer before this runs: what differs from the page as it was sent is not saved yet.
    const touched = (el) => $$("input:not([type=hidden]),textarea,option", el).some((i) => i.tagName === "OPTION" ? i.selected !== i.defaultSelected && i.value
      : i.type === "radio" || i.type === "checkbox" ? i.checked !== i.defaultChecked : i.value !== i.defaultValue);
    for (const [position, el] of items) if (!pending[position] && touched(el)) pending[position] = { response: answer(el), counter: counter() };
    for (const [position, p] of Object.entries(pending)) {
      const el = items.get(position);
      if (p.counter <= (Number(el.dataset.counter) || 0)) { delete pending[position]; continue; }
      fill(el, p.response);
      tell(el, p.refused);
    }
    const known = new Map([...items.values()].map((el) => [el, JSON.stringify(answer(el))]));
    keep();
    mark();
    if (Object.keys(pending).length) summary(); else say(t("script.saved_as_you_go"));
    flush();

    const deadline = Date.now() + Number(paper.dataset.left) * 1000, said = new Set();
    const tick = () => {
      const left = Math.max(0, Math.round((deadline - Date.now()) / 1000)), m = Math.floor(left / 60);
      clock.textContent = m >= 60 ? `${Math.floor(m / 60)}:${String(m % 60).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}` : `${m}:${String(left % 60).padStart(2, "0")}`;
      clock.classList.toggle("late", left < 300);
      for (const at of [30, 10, 5, 1]) if (m === at && left % 60 < 2 && !said.has(at)) { said.add(at); spoken.textContent = t("script.minutes_left", { N: at }); }
      if (left > 0) return;
      clearInterval(ticking);
      over = true;
      handIn();
    };
    const ticking = setInterval(tick, 1000);
    tick();
  } else if (user) {
    // Papers that are over need nothing kept any more once their page was seen. What was typed and not taken is said once.
    for (const el of $$("[data-finished]")) {
      if (Object.keys(kept.get("paper", el.dataset.finished) || {}).length) {
        const note = document.createElement("p");
        note.className = "notice note";
        note.textContent = t("script.typed_last");
        el.after(note);
      }
      kept.drop("paper", el.dataset.finished);
    }
  }
})();
