// Runs in a page of another origin: tries every way by which a page can reach a host, and tells what came through.
/** Far beyond any answer: an attempt without an outcome is told as one that came through. */
const patienceMs = 20_000;
const body = JSON.stringify({ secret: "guess", deviceName: "foreign" });

const ways = {
  fetch: (url) => readable(fetch(url, { credentials: "include" })),
  simplePost: (url) => readable(fetch(url, post("text/plain"))),
  formPost: (url) => readable(fetch(url, post("application/x-www-form-urlencoded"))),
  jsonPost: (url) => readable(fetch(url, post("application/json"))),
  blindGet: (url) => readable(fetch(url, { mode: "no-cors", credentials: "include" })),
  blindPost: (url) => readable(fetch(url, { ...post("text/plain"), mode: "no-cors" })),
  beacon: (url) =>
    readable(fetch(url, { ...post("text/plain"), mode: "no-cors", keepalive: true })),
  image: (url) => loads(Object.assign(new Image(), { src: url })),
  script: (url) => loads(append("script", { src: url })),
  style: (url) => loads(append("link", { rel: "stylesheet", href: url })),
  events: (url) => opens(new EventSource(url, { withCredentials: true })),
  form: submits,
};

/** Browsers hold back pages that open many sockets which fail, so these are tried on fewer addresses. */
const socketWays = {
  socket: (url) => opens(new WebSocket(url.replace(/^http/, "ws"))),
  plainSocket: (url) => opens(new WebSocket(url.replace(/^http/, "ws"), ["farhelm.v1"])),
  ticketSocket: (url) =>
    opens(new WebSocket(url.replace(/^http/, "ws"), ["farhelm.v1", "farhelm.ticket.guess"])),
};

/** `way url` of everything that came through. Never rejects. */
globalThis.tryAll = async (urls, socketUrls) => {
  const attempts = [...attemptsOf(ways, urls), ...attemptsOf(socketWays, socketUrls)];
  const outcomes = await Promise.all(attempts.map(({ url, go }) => settle(go(url))));
  return attempts.flatMap(({ name, url }, at) => (outcomes[at] ? [`${name} ${url}`] : []));
};

const attemptsOf = (kinds, urls) =>
  urls.flatMap((url) => Object.entries(kinds).map(([name, go]) => ({ name, url, go })));

const post = (type) => ({
  method: "POST",
  credentials: "include",
  headers: { "content-type": type },
  body,
});

const settle = (attempt) =>
  Promise.race([
    Promise.resolve(attempt).catch(() => false),
    new Promise((resolve) => setTimeout(resolve, patienceMs, true)),
  ]);

/** An opaque answer tells nothing; any other can be read. */
const readable = async (answer) => (await answer).type !== "opaque";

const append = (tag, members) => {
  const element = Object.assign(document.createElement(tag), members);
  document.head.append(element);
  return element;
};

const loads = (element) =>
  new Promise((resolve) => {
    element.addEventListener("load", () => resolve(true));
    element.addEventListener("error", () => resolve(false));
  });

const opens = (source) =>
  new Promise((resolve) => {
    source.addEventListener("open", () => resolve(true));
    source.addEventListener("error", () => {
      source.close();
      resolve(false);
    });
  });

/** Sent with all that a form may send; what comes back lands in a frame that this page cannot read. */
async function submits(url) {
  const name = `frame-${Math.random()}`;
  const frame = document.createElement("iframe");
  frame.name = name;
  document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: url, target: name, enctype: "text/plain" });
  form.append(Object.assign(document.createElement("input"), { name: body, value: "" }));
  document.body.append(form);
  const loaded = loads(frame);
  form.submit();
  await loaded;
  try {
    return frame.contentDocument !== null && frame.contentDocument.URL !== "about:blank";
  } catch {
    return false;
  }
}
